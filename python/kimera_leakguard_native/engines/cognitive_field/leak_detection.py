"""Cognitive fields whose every field is an allocation of the guardian's, until it is removed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.engines.cognitive_field.dynamics import CognitiveFieldDynamics
from kimera_leakguard_native.guardian.announcements import announce
from kimera_leakguard_native.guardian.shared import get_memory_leak_guardian

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.engines.cognitive_field.config import CognitiveFieldConfig
    from kimera_leakguard_native.engines.cognitive_field.store import Field
    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian


class CognitiveFieldDynamicsWithLeakDetection(CognitiveFieldDynamics):
    """`CognitiveFieldDynamics` that a guardian watches.

    A field is recorded as ``geoid_<id>`` of type ``cognitive_field``, with the line that added it,
    and released when it is removed, evicted, or the dynamics are closed. So a service that adds
    fields and never removes any shows up in the guardian's registry by that line.

    Parameters
    ----------
    leak_guardian : KimeraMemoryLeakGuardian, optional
        That of the process by default.
    """

    def __init__(
        self,
        dimension: int,
        config: CognitiveFieldConfig | None = None,
        *,
        max_fields: int | None = None,
        on_evict: Callable[[str], object] | None = None,
        leak_guardian: KimeraMemoryLeakGuardian | None = None,
    ) -> None:
        super().__init__(dimension, config, max_fields=max_fields, on_evict=self._evicted)
        self.leak_guardian = leak_guardian or get_memory_leak_guardian()
        self._told = on_evict
        self._field_bytes: int = self._store.pool.stats()["row_bytes"]
        self._records: dict[str, int] = {}
        announce("cognitive_field_dynamics", self)

    def allocation_usage(self) -> tuple[int, int]:
        """Give the number and the bytes of the fields that the guardian has recorded."""
        return len(self._records), len(self._records) * self._field_bytes

    def add_geoid(self, geoid_id: str, embedding: Any) -> Field | None:
        """Add a field and record it; see `CognitiveFieldDynamics.add_geoid`."""
        with self._store.lock:
            known = geoid_id in self._store
            field = super().add_geoid(geoid_id, embedding)
            if field is None or known or geoid_id not in self._store:
                return field
            caller = sys._getframe(1)  # noqa: SLF001 - the line that adds is what a leak is named by
            self._records[geoid_id] = self.leak_guardian.record_allocation(
                f"geoid_{geoid_id}",
                {
                    "function": f"{caller.f_code.co_filename}:{caller.f_code.co_name}",
                    "line": caller.f_lineno,
                    "type": "cognitive_field",
                    "size": self._field_bytes,
                },
            )
            return field

    def remove_geoid(self, geoid_id: str) -> bool:
        """Remove a field and release its record; False where there is none."""
        with self._store.lock:
            removed = super().remove_geoid(geoid_id)
            self._release(geoid_id)
        return removed

    def close(self) -> None:
        """Remove every field."""
        self.clear()

    def _evicted(self, geoid_id: str) -> None:
        self._release(geoid_id)
        if self._told is not None:
            self._told(geoid_id)

    def _release(self, geoid_id: str) -> None:
        handle = self._records.pop(geoid_id, None)
        if handle is not None:
            self.leak_guardian.release_allocation(handle)
