"""Leases of `GPUMemoryPool`: one slot, who has it, and the line that took it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import weakref
    from types import FrameType

_PACKAGE = __name__.partition(".")[0]
_INNER = (f"{_PACKAGE}.gpu.memory_pool", "contextlib", f"{_PACKAGE}.engines.leak_safe_pool")


@dataclass(frozen=True)
class MemorySlot:
    """One slot and who leases it.

    Attributes
    ----------
    index : int
        Row of `GPUMemoryPool.view`.
    size : int
        Bytes of the embedding and its metadata.
    allocated_time : float
        `time.time` at the start of the lease.
    site : str
        ``file:line in function`` of the call that took the lease.
    """

    index: int
    size: int
    allocated_time: float
    geoid_id: str | None = None
    in_use: bool = True
    site: str = ""


@dataclass(frozen=True)
class Lease:
    """A slot with what the pool keeps of it."""

    slot: MemorySlot
    metadata: int  # handle in the pool of metadata
    address: int  # of the embedding, for tracemalloc
    owner: weakref.ref[Any] | None


def calling_line(frame: FrameType | None) -> str:
    """Name the line that called the pool: ``file:line in function``."""
    while frame is not None and frame.f_globals.get("__name__") in _INNER:
        frame = frame.f_back
    if frame is None:
        return "unknown"
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
