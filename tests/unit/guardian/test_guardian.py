"""The guardian's contract: keys, classes, defaults, and what it never does."""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
import tracemalloc
import weakref
from typing import Any

import pytest

from kimera_leakguard_native.errors import StaleHandle
from kimera_leakguard_native.guardian import shared
from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian
from kimera_leakguard_native.model.guardian import (
    LeakDetectionResult,
    MemoryAllocation,
    MemoryLeakReport,
)

MB = 2**20


class Owner:
    pass


def test_the_specification_s_snippet_runs(guardian: KimeraMemoryLeakGuardian) -> None:
    class Pool:
        def allocate(self, geoid_id: str) -> int:
            info = {"function": "allocate_field_slot", "type": "gpu_tensor", "geoid_id": geoid_id}
            with guardian.track_allocation(f"gpu_slot_{geoid_id}", info):
                assert f"gpu_slot_{geoid_id}" in guardian.gpu_allocations
                return len(guardian.active_allocations)

    assert Pool().allocate("g1") == 1
    assert guardian.active_allocations == {}
    assert guardian.total_allocations == 1


def test_a_subclass_may_override_track_allocation() -> None:
    class Counting(KimeraMemoryLeakGuardian):
        tracked = 0

        def track_allocation(self, allocation_id: str, allocation_info: Any = None) -> Any:
            self.tracked += 1
            return super().track_allocation(allocation_id, allocation_info)

    counting = Counting()
    with counting.track_allocation("x", {}):
        assert "x" in counting.active_allocations
    assert counting.tracked == 1


def test_records_stay_until_they_are_released(guardian: KimeraMemoryLeakGuardian) -> None:
    info = {"function": "add_geoid", "line": 3, "size": 100}
    handle = guardian.record_allocation("geoid_1", info)
    assert guardian.active_allocations["geoid_1"].size_bytes == 100
    assert guardian.registry.usage()[0].name == "add_geoid:3"
    assert guardian.release_allocation(handle) is True
    assert "geoid_1" not in guardian.active_allocations
    with pytest.raises(StaleHandle):
        guardian.release_allocation(handle)
    assert guardian.registry.totals().live_bytes == 0


def test_release_by_id_takes_the_newest(guardian: KimeraMemoryLeakGuardian) -> None:
    first = guardian.record_allocation("same", {"size": 1})
    guardian.record_allocation("same", {"size": 2})
    assert guardian.release_allocation("same")
    assert guardian.active_allocations["same"].size_bytes == 1
    assert guardian.release_allocation(first)
    with pytest.raises(StaleHandle, match="'same'"):
        guardian.release_allocation("same")


def test_the_end_of_the_owner_releases(guardian: KimeraMemoryLeakGuardian) -> None:
    owner = Owner()
    watched = weakref.ref(owner)
    handle = guardian.record_allocation("owned", {"size": 5}, owner=owner)
    assert "owned" in guardian.active_allocations
    del owner
    assert watched() is None
    assert "owned" not in guardian.active_allocations
    with pytest.raises(StaleHandle):
        guardian.release_allocation(handle)


def test_releasing_an_owned_record_detaches_its_finalizer(
    guardian: KimeraMemoryLeakGuardian,
) -> None:
    owner = Owner()
    for _ in range(3):
        guardian.release_allocation(guardian.record_allocation("owned", {}, owner=owner))
    assert weakref.getweakrefcount(owner) == 0
    with pytest.raises(TypeError, match="owner: int objects cannot be watched"):
        guardian.record_allocation("owned", {}, owner=5)
    assert len(guardian.active_allocations) == 0
    assert guardian.registry.totals().live_count == 0


def test_finalizers_that_release_in_a_storm_of_collections(
    guardian: KimeraMemoryLeakGuardian,
) -> None:
    class Releasing:
        def __init__(self, number: int) -> None:
            self.me = self
            self.handle = guardian.record_allocation(f"cycle_{number % 7}", {"size": 1})

        def __del__(self) -> None:
            guardian.release_allocation(self.handle)

    def work() -> None:
        for number in range(300):
            Releasing(number)
            owner = Owner()
            owner.me = owner  # type: ignore[attr-defined]
            guardian.record_allocation("owned", {"size": 1}, owner=owner)
            guardian.release_allocation(guardian.record_allocation("direct", {}))

    before = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(3, 2, 2)
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
    finally:
        gc.set_threshold(*before[0])
        sys.setswitchinterval(before[1])
    gc.collect()
    assert dict(guardian.active_allocations.items()) == {}
    assert guardian.registry.totals().live_count == 0


def test_a_dropped_guardian_is_collected() -> None:
    owner = Owner()
    made = KimeraMemoryLeakGuardian(monitoring_interval=0.01)
    made.record_allocation("owned", {}, owner=owner)
    made.start_monitoring()
    thread = made.monitoring_thread
    gone = weakref.ref(made)
    del made
    for _ in range(200):
        gc.collect()
        if gone() is None and thread is not None and not thread.is_alive():
            break
        time.sleep(0.01)
    assert gone() is None
    assert thread is not None
    assert not thread.is_alive()


def test_the_report_is_the_union_of_the_keys(guardian: KimeraMemoryLeakGuardian, analyzer) -> None:
    guardian.analyze_function_for_leaks("def f(): unsafe", "f")
    guardian.take_snapshot()
    report = guardian.generate_comprehensive_report()
    assert set(report) >= {
        "analysis_summary",
        "performance_metrics",
        "gpu_memory_analysis",
        "function_summaries",
        "leak_reports",
        "recommendations",
        "total_allocations",
        "monitoring_status",
        "gpu_memory_tracking",
    }
    assert set(report["analysis_summary"]) == {
        "timestamp",
        "total_functions_analyzed",
        "unsafe_functions",
        "safety_ratio",
        "total_allocations_tracked",
        "active_allocations",
        "leak_reports_generated",
    }
    assert report["function_summaries"]["f"] == {
        "memory_balance": 0,
        "is_memory_safe": False,
        "allocation_count": 0,
        "deallocation_count": 0,
        "path_conditions": 1,
    }
    assert report["analysis_summary"]["safety_ratio"] == 0.0
    assert report["monitoring_status"] == "stopped"
    assert report["gpu_memory_analysis"] == {}
    assert any("f" in advice for advice in report["recommendations"])
    assert json.loads(json.dumps(report)) == report


def test_stats_have_the_historic_keys_and_true_values(
    guardian: KimeraMemoryLeakGuardian, analyzer
) -> None:
    assert set(guardian.analysis_stats) == {
        "static_analysis_time",
        "symbolic_execution_time",
        "total_functions_analyzed",
        "leaks_detected",
        "false_positives_filtered",
        "alerts_generated",
        "memory_freed_mb",
        "peak_memory_usage_mb",
        "average_memory_mb",
        "average_leak_detection_time_ms",
    }
    guardian.release_allocation(guardian.record_allocation("x", {"size": 3 * MB}))
    guardian.analyze_function_for_leaks("def f(): unsafe", "f")
    stats = guardian.analysis_stats
    assert stats["memory_freed_mb"] == 3
    assert stats["total_functions_analyzed"] == 1
    assert stats["leaks_detected"] == 1


def test_stats_count_what_the_symbolic_stage_refuted(guardian: KimeraMemoryLeakGuardian) -> None:
    source = (
        "def f(path, n):\n"
        "    file = open(path)\n"
        "    if n > 2 and n < 1:\n"
        "        return None\n"
        "    file.close()\n"
    )
    assert guardian.analyze_function_for_leaks(source, "f").is_memory_safe
    stats = guardian.analysis_stats
    assert stats["false_positives_filtered"] == 1
    assert 0.0 < stats["symbolic_execution_time"] <= stats["static_analysis_time"]
    assert not guardian.analyze_function_for_leaks(
        source.replace("n < 1", "n < 9"), "f"
    ).is_memory_safe
    assert guardian.analysis_stats["false_positives_filtered"] == 1


def test_analysis_never_raises_and_keeps_no_failure(
    guardian: KimeraMemoryLeakGuardian, analyzer
) -> None:
    failed = guardian.analyze_function_for_leaks("refuse this", "broken")
    assert failed.is_memory_safe is False
    assert failed.memory_balance == 0
    assert failed.path_conditions[0].startswith("analysis_error: ")
    assert "broken" not in guardian.function_summaries
    assert guardian.analysis_stats["total_functions_analyzed"] == 0


def test_reports_are_bounded(guardian: KimeraMemoryLeakGuardian) -> None:
    site = MemoryAllocation("a", "f", 1, "t", 0, 0.0, [])
    for number in range(1_100):
        guardian.add_leak_report(
            MemoryLeakReport(
                f"leak_{number}", LeakDetectionResult.POTENTIAL_LEAK, site, [], 0.5, [], ""
            )
        )
    assert len(guardian.leak_reports) == 1_000
    assert guardian.leak_reports[-1].leak_id == "leak_1099"


def test_monitoring_starts_once_stops_at_once_and_restarts() -> None:
    made = KimeraMemoryLeakGuardian(monitoring_interval=3600)
    made.start_monitoring()
    first = made.monitoring_thread
    made.start_monitoring()
    assert made.monitoring_thread is first
    assert made.is_monitoring
    assert made.generate_comprehensive_report()["monitoring_status"] == "active"
    start = time.monotonic()
    made.stop_monitoring()
    assert time.monotonic() - start < 60  # and not the hour of the interval
    assert first is not None
    assert not first.is_alive()
    assert not made.is_monitoring
    made.start_monitoring()
    assert made.monitoring_thread is not first
    assert made.is_monitoring
    made.stop_monitoring()
    made.stop_monitoring()
    assert len(made.memory_snapshots) == 2


def test_tracemalloc_is_left_alone() -> None:
    made = KimeraMemoryLeakGuardian(monitoring_interval=3600)
    made.start_monitoring()
    assert not tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        made.stop_monitoring()
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_kill_switch(monkeypatch: pytest.MonkeyPatch, analyzer) -> None:
    monkeypatch.setenv("KLG_DISABLE", "1")
    made = KimeraMemoryLeakGuardian()
    made.start_monitoring()
    assert made.monitoring_thread is None
    with made.track_allocation("x", {"size": 1}) as allocation:
        assert allocation.size_bytes == 1
        assert made.active_allocations == {}
    assert made.record_allocation("x", {}) == 0
    assert made.release_allocation(0) is False
    assert made.release_allocation("x") is False
    made.analyze_function_for_leaks("def f(): unsafe", "f")
    assert analyzer.calls == []
    assert made.detect_gpu_memory_leaks() == []
    assert made.generate_comprehensive_report()["total_allocations"] == 0


def test_initialize_stops_the_guardian_it_replaces() -> None:
    old = shared.initialize_memory_leak_guardian(monitoring_interval=3600)
    assert shared.get_memory_leak_guardian() is old
    old.start_monitoring()
    new = shared.initialize_memory_leak_guardian(memory_alert_threshold_mb=5.0)
    assert not old.is_monitoring
    assert shared.get_memory_leak_guardian() is new
    assert new.alert_thresholds["memory_usage_mb"] == 5.0
    with shared.track_memory_block("load"), shared.track_memory_block("load"):
        (key,) = new.active_allocations
        assert key.startswith("block_load_")
        assert new.active_allocations[key].allocation_type == "code_block"
        assert new.active_count == 2
    assert new.active_count == 0


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="monitoring_interval"):
        KimeraMemoryLeakGuardian(monitoring_interval=0)
