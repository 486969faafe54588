"""A service that adds a field per decision forever is named by its line, and can be bounded."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import numpy as np

import kimera_leakguard_native as klg


def serve(fields: klg.CognitiveFieldDynamicsWithLeakDetection, count: int) -> None:
    for number in range(count):
        fields.add_geoid(f"market_{number}", np.full(16, number + 1.0))  # the leaking line


def test_fields_stay_recorded_until_they_go() -> None:
    guardian = klg.KimeraMemoryLeakGuardian()
    fields = klg.CognitiveFieldDynamicsWithLeakDetection(16, leak_guardian=guardian)
    serve(fields, 40)
    active = guardian.active_allocations
    assert len(active) == 40
    entry = active["geoid_market_7"]
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    line = 1 + next(k for k, text in enumerate(lines) if text.endswith("# the leaking line"))
    assert entry.line_number == line
    assert entry.function_name.endswith("serve")
    assert (entry.allocation_type, entry.size_bytes) == ("cognitive_field", 64)
    fields.add_geoid("market_7", np.ones(16))
    assert len(active) == 40
    fields.remove_geoid("market_7")
    assert "geoid_market_7" not in active
    fields.close()
    assert dict(active.items()) == {}
    assert guardian.registry.totals().live_count == 0


def test_a_bound_bounds_the_records_too() -> None:
    guardian = klg.KimeraMemoryLeakGuardian()
    gone: list[str] = []
    fields = klg.CognitiveFieldDynamicsWithLeakDetection(
        16, max_fields=10, on_evict=gone.append, leak_guardian=guardian
    )
    serve(fields, 35)
    assert len(guardian.active_allocations) == fields.field_count == 10
    assert len(gone) == 25


def test_a_bounded_service_holds_the_same_memory_for_ever() -> None:
    guardian = klg.KimeraMemoryLeakGuardian()
    fields = klg.CognitiveFieldDynamicsWithLeakDetection(16, max_fields=50, leak_guardian=guardian)
    serve(fields, 2000)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(5):
        serve(fields, 2000)
    gc.collect()
    assert sys.getallocatedblocks() - before < 200  # of 10,000 fields
    assert fields.field_count == guardian.registry.totals().live_count == 50
