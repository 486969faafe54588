from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kimera_leakguard_native.engines.cognitive_field.leak_detection import (
    CognitiveFieldDynamicsWithLeakDetection,
)
from kimera_leakguard_native.engines.decision_cache import LeakSafeDecisionCache
from kimera_leakguard_native.engines.leak_safe_pool import LeakSafeGPUMemoryPool
from kimera_leakguard_native.integration.components.reading import Reading, read_component


def test_an_object_that_offers_nothing_reads_as_nothing() -> None:
    assert read_component(object()) == Reading()


def test_a_pool_is_measured_by_its_recorded_leases(guardian: Any) -> None:
    pool = LeakSafeGPUMemoryPool(
        embedding_dimension=1024, max_concurrent_fields=10, leak_guardian=guardian
    )
    for index in range(3):
        pool.lease(f"g{index}")
    reading = read_component(pool)
    assert reading.allocation_count == 3
    assert reading.memory_bytes == sum(r.live_bytes for r in guardian.registry.usage())
    assert reading.memory_bytes == 3 * (2048 + 256)
    assert reading.room_bytes == 7 * (2048 + 256)
    assert not reading.evicts


def test_fields_are_measured_by_their_records_and_bounded_ones_evict(guardian: Any) -> None:
    fields = CognitiveFieldDynamicsWithLeakDetection(4, leak_guardian=guardian)
    fields.add_geoid("a", [1.0, 2.0, 3.0, 4.0])
    reading = read_component(fields)
    assert (reading.fields, reading.allocation_count) == (1, 1)
    assert reading.memory_bytes == guardian.registry.usage()[0].live_bytes > 0
    assert not reading.evicts
    fields.limit_fields(5)
    assert read_component(fields).evicts


def test_a_cache_is_read_through_its_owner_too() -> None:
    cache = LeakSafeDecisionCache(10)
    cache.put("a", 1)
    cache.get("a")
    cache.get("b")
    for component in (cache, SimpleNamespace(decision_cache=cache)):
        reading = read_component(component)
        assert (reading.allocation_count, reading.hit_rate, reading.evicts) == (1, 0.5, True)


def test_a_cache_without_a_bound_is_not_said_to_evict() -> None:
    unbounded = SimpleNamespace(cache={1: 1}, hit_count=0, miss_count=0)
    reading = read_component(unbounded)
    assert (reading.evicts, reading.hit_rate) == (False, None)


def test_a_latency_counts_from_the_first_operation_on() -> None:
    def stats(count: int) -> Any:
        figures = {"total_detections": count, "avg_detection_time_ms": 12.0}
        return SimpleNamespace(get_performance_stats=lambda: figures)

    assert read_component(stats(0)).latency_ms is None
    assert read_component(stats(1)).latency_ms == 12.0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, "many", None, True])
def test_nonsense_is_refused_by_name(value: Any) -> None:
    component = SimpleNamespace(get_memory_stats=lambda: {"used_bytes": value})
    with pytest.raises(ValueError, match="used_bytes"):
        read_component(component)
