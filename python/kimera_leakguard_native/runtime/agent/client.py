"""Asking agents: which processes have one, and what they say."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.errors import RuntimeUnavailable
from kimera_leakguard_native.runtime.agent import protocol
from kimera_leakguard_native.runtime.agent.folder import private_folder, socket_folder, socket_path

if TYPE_CHECKING:
    from collections.abc import Sequence


def processes() -> list[int]:
    """Give the numbers of the processes with a socket, in order; some may be gone by now."""
    folder = socket_folder()
    if not folder.is_dir():
        return []
    private_folder()
    found = [path.stem for path in folder.glob("*.sock")]
    return sorted(int(stem) for stem in found if stem.isdigit())


def ask(pid: int, sections: Sequence[str] = (), timeout_s: float = 10.0) -> dict[str, Any]:
    """Ask a process.

    Parameters
    ----------
    sections : sequence of str
        Names of the sections that are wanted; by default all that answer without being named.

    Raises
    ------
    RuntimeUnavailable
        The process has no agent, does not answer, or is not this user's.
    """
    path = socket_path(pid)
    deadline = time.monotonic() + timeout_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise RuntimeUnavailable(
                f"process {pid} cannot be asked: it runs no klg.start() and no klg run"
            ) from None
        except OSError as error:
            raise RuntimeUnavailable(f"process {pid} cannot be asked: {error}") from error
        if protocol.peer_uid(connection) not in (os.getuid(), 0):
            raise RuntimeUnavailable(f"the socket of process {pid} is somebody else's")
        try:
            protocol.send(connection, {"ask": list(sections)})
            answer = protocol.receive(connection, protocol.LONGEST_ANSWER, deadline)
        except (OSError, ValueError) as error:
            raise RuntimeUnavailable(f"process {pid} gave no answer: {error}") from error
    if not isinstance(answer, dict):
        raise RuntimeUnavailable(f"process {pid} gave no answer that can be read")
    return answer
