"""The one guardian that a process shares, and blocks tracked by it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from kimera_leakguard_native.model.guardian import MemoryAllocation

_GPU_DELTA_BYTES = 10 * 2**20

_lock = threading.Lock()
_shared: KimeraMemoryLeakGuardian | None = None


def get_memory_leak_guardian() -> KimeraMemoryLeakGuardian:
    """Give the guardian of this process; the first call makes it with the defaults."""
    global _shared  # noqa: PLW0603 - this is the shared one
    guardian = _shared
    if guardian is None:
        with _lock:
            if _shared is None:
                _shared = KimeraMemoryLeakGuardian()
            guardian = _shared
    return guardian


def initialize_memory_leak_guardian(**kwargs: Any) -> KimeraMemoryLeakGuardian:
    """Replace the guardian of this process by a new one, and stop the monitor of the old one.

    Parameters
    ----------
    **kwargs
        As for `KimeraMemoryLeakGuardian`.
    """
    global _shared
    guardian = KimeraMemoryLeakGuardian(**kwargs)
    with _lock:
        old, _shared = _shared, guardian
    if old is not None:
        old.stop_monitoring()
    return guardian


def track_memory_block(block_name: str) -> AbstractContextManager[MemoryAllocation]:
    """Track a block of code as an active allocation of type ``code_block``.

    Where the program uses a GPU, a block that leaves more than 10 MiB more on it is logged.
    """
    guardian = get_memory_leak_guardian()
    scope = guardian.track_allocation(
        f"block_{block_name}_{int(time.time())}", {"function": block_name, "type": "code_block"}
    )
    if not guardian.enable_gpu_tracking or guardian.read_gpu_memory() is None:
        return scope
    return _gpu_block(guardian, block_name, scope)


@contextmanager
def _gpu_block(
    guardian: KimeraMemoryLeakGuardian,
    block_name: str,
    scope: AbstractContextManager[MemoryAllocation],
) -> Iterator[MemoryAllocation]:
    before = guardian.read_gpu_memory()
    try:
        with scope as allocation:
            yield allocation
    finally:
        after = guardian.read_gpu_memory()
        if before and after:
            delta = after.allocated_bytes - before.allocated_bytes
            if delta > _GPU_DELTA_BYTES:
                guardian.logger.info(
                    "block %s left %.1f MiB more on the GPU", block_name, delta / 2**20
                )
