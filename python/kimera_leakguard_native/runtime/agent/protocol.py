"""Messages between an agent and who asks it: four bytes of length, then JSON."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

LONGEST_REQUEST = 4096
LONGEST_ANSWER = 64 << 20

_LENGTH = struct.Struct(">I")
_PEER = struct.Struct("3i")


def send(connection: socket.socket, message: Any) -> None:
    """Send one message."""
    body = json.dumps(message, separators=(",", ":")).encode()
    connection.sendall(_LENGTH.pack(len(body)) + body)


def receive(connection: socket.socket, longest: int, deadline: float) -> Any:
    """Receive one message.

    Parameters
    ----------
    longest : int
        Bytes that it may have.
    deadline : float
        By the monotonic clock, for the whole of it: bytes that drip in win no time.

    Raises
    ------
    TimeoutError
        It was not whole by then.
    ValueError
        It is longer than allowed, or no JSON.
    ConnectionError
        The other side has gone in the middle of it.
    """
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size, deadline))
    if length > longest:
        raise ValueError(f"a message of {length} bytes; at most {longest} are taken")
    return json.loads(_exactly(connection, length, deadline))


def peer_uid(connection: socket.socket) -> int:
    """Give the user at the other end, as the kernel knows it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, uid, _ = _PEER.unpack(credentials)
    return int(uid)


def _exactly(connection: socket.socket, count: int, deadline: float) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        left = deadline - time.monotonic()
        if left <= 0.0:
            raise TimeoutError("the message took too long")
        connection.settimeout(left)
        part = connection.recv(min(65536, count - len(parts)))
        if not part:
            raise ConnectionError("the other side has closed the connection")
        parts += part
    return bytes(parts)
