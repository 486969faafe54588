"""Live blocks with their lines, told to tracemalloc as well."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.gpu.device_memory import LineMemory, application_frame, by_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

TRACEMALLOC_DOMAIN = 0x6B6C67
"""Domain of device memory for ``tracemalloc.DomainFilter``: ``klg`` in ASCII."""

_DEPTH = 32


class _Block(NamedTuple):
    site: tuple[str, int, str]
    size: int
    start: float


class Ledger:
    """Blocks by address; safe to use from several threads.

    While tracemalloc traces, each block is one of its allocations too, in `TRACEMALLOC_DOMAIN`,
    with the stack that took it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: dict[int, _Block] = {}

    def add(self, address: int, size: int, frame: FrameType | None = None) -> None:
        """Note a block that the calling line, or that of `frame`, has just taken."""
        frame = frame or sys._getframe(1)  # noqa: SLF001 - the only way to the caller's line
        block = _Block(application_frame(_calls(frame)), size, time.time())
        with self._lock:
            self._blocks[address] = block
        track(address, size)

    def remove(self, address: int) -> bool:
        """Forget a block; False for one that was taken before this ledger began."""
        with self._lock:
            known = self._blocks.pop(address, None)
        untrack(address)
        return known is not None

    def lines(self) -> list[LineMemory]:
        """Sum the live blocks by line, most bytes first."""
        with self._lock:
            blocks = list(self._blocks.values())
        return by_line(blocks)

    @property
    def live_bytes(self) -> int:
        """Bytes of the blocks."""
        with self._lock:
            return sum(block.size for block in self._blocks.values())


def track(address: int, size: int) -> None:
    """Tell tracemalloc of a block that the running code has taken, if it traces."""
    if tracemalloc.is_tracing():
        ctypes.pythonapi.PyTraceMalloc_Track(
            ctypes.c_uint(TRACEMALLOC_DOMAIN), ctypes.c_size_t(address), ctypes.c_size_t(size)
        )


def untrack(address: int) -> None:
    """Tell tracemalloc that a block is gone, if it traces."""
    if tracemalloc.is_tracing():
        ctypes.pythonapi.PyTraceMalloc_Untrack(
            ctypes.c_uint(TRACEMALLOC_DOMAIN), ctypes.c_size_t(address)
        )


def _calls(frame: FrameType | None) -> Iterator[tuple[str, int, str]]:
    for _ in range(_DEPTH):
        if frame is None:
            return
        code = frame.f_code
        yield code.co_filename, frame.f_lineno, code.co_name
        frame = frame.f_back
