"""The memory pool under a guardian: every lease is an allocation with its line."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.gpu.memory_pool import GPUMemoryPool
from kimera_leakguard_native.guardian.announcements import announce
from kimera_leakguard_native.guardian.shared import get_memory_leak_guardian

if TYPE_CHECKING:
    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian

_CERTAIN = 0.7

_lock = threading.Lock()
_pool: LeakSafeGPUMemoryPool | None = None


class LeakSafeGPUMemoryPool(GPUMemoryPool):
    """`GPUMemoryPool` whose leases a guardian keeps track of, as ``gpu_slot_<geoid>``.

    Parameters
    ----------
    leak_guardian : KimeraMemoryLeakGuardian, optional
        That of the process by default. The rest is `GPUMemoryPool`'s.
    """

    def __init__(
        self, *args: Any, leak_guardian: KimeraMemoryLeakGuardian | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.leak_guardian = leak_guardian or get_memory_leak_guardian()
        self._records: dict[int, int] = {}
        announce("gpu_memory_pool", self)

    def allocation_usage(self) -> tuple[int, int]:
        """Give the number and the bytes of the live leases that the guardian has recorded."""
        return len(self._records), len(self._records) * self._slot_bytes

    def lease(self, geoid_id: str, *, owner: Any = None) -> int:
        """Lease a slot and record it; see `GPUMemoryPool.lease`."""
        with self._lock:
            handle = super().lease(geoid_id, owner=owner)
            slot = self._leases[handle].slot
            place, _, function = slot.site.partition(" in ")
            file, _, line = place.rpartition(":")
            self._records[handle] = self.leak_guardian.record_allocation(
                f"gpu_slot_{geoid_id}",
                {
                    "function": f"{file}:{function}",
                    "line": int(line) if line.isdigit() else 0,
                    "type": "gpu_tensor",
                    "size": slot.size,
                    "geoid_id": geoid_id,
                },
            )
        return handle

    def release(self, handle: int) -> None:
        """End a lease and its record; see `GPUMemoryPool.release`."""
        with self._lock:
            super().release(handle)
            record = self._records.pop(handle, None)
        if record is not None:
            self.leak_guardian.release_allocation(record)

    def optimize_memory_layout(self) -> int:
        """Give free pages back, and act on what the guardian is sure of; say how many bytes."""
        freed = super().optimize_memory_layout()
        for report in self.leak_guardian.detect_gpu_memory_leaks():
            if report.confidence_score > _CERTAIN:
                self.logger.warning("leak %s: %s", report.leak_id, report.impact_assessment)
                for suggestion in report.fix_suggestions:
                    freed += self.apply_fix_suggestion(suggestion)
        return freed

    def apply_fix_suggestion(self, suggestion: str) -> int:
        """Act on a suggestion as far as it concerns this pool's memory; say how many bytes.

        Every suggestion comes down to this: leases whose owner is gone are ended, and free pages go
        back. A lease is never ended for its age, because who holds it may still write there. Source
        files are never touched.
        """
        orphans = self.release_orphans()
        freed = GPUMemoryPool.optimize_memory_layout(self)
        self.logger.info(
            "%s: ended %d leases without an owner, gave %d bytes back", suggestion, orphans, freed
        )
        return freed


class GPUMemoryPoolWithLeakDetection(LeakSafeGPUMemoryPool):
    """The same by the name of the specification's integration."""


def get_global_memory_pool() -> LeakSafeGPUMemoryPool:
    """Give the pool of the process; it is made when first asked for."""
    global _pool  # noqa: PLW0603 - one pool a process is what the name says
    with _lock:
        if _pool is None:
            _pool = LeakSafeGPUMemoryPool()
        return _pool


def initialize_global_memory_pool(**kwargs: Any) -> LeakSafeGPUMemoryPool:
    """Make the pool of the process anew, with the parameters of `LeakSafeGPUMemoryPool`.

    Leases of the pool before stay valid with that pool.
    """
    global _pool  # noqa: PLW0603
    made = LeakSafeGPUMemoryPool(**kwargs)
    with _lock:
        _pool = made
    return made
