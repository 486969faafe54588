"""Snapshots, what they say against the limits, and suspicions about a GPU."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kimera_leakguard_native.guardian import guardian as guardian_module
from kimera_leakguard_native.guardian.gpu_memory import GpuMemory
from kimera_leakguard_native.model.guardian import (
    LeakDetectionResult,
    MemorySnapshot,
    MemoryStatistics,
)

if TYPE_CHECKING:
    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian

MB = 2**20


def test_without_snapshots_there_is_no_data(guardian: KimeraMemoryLeakGuardian) -> None:
    assert guardian.get_memory_statistics() == MemoryStatistics(0, 0, 0, "NO_DATA", 0, 0, 0, 0)
    assert guardian.get_memory_usage_trend()["status"] == "no_data"
    assert guardian.get_recent_alerts() == []


def test_a_snapshot_is_of_this_process(guardian: KimeraMemoryLeakGuardian) -> None:
    guardian.record_allocation("x", {})
    snapshot = guardian.take_snapshot()
    assert 1 < snapshot.process_memory_mb < snapshot.total_memory_mb
    assert 0 < snapshot.available_memory_mb < snapshot.total_memory_mb
    assert snapshot.active_allocations_count == 1
    assert 0 <= snapshot.leak_risk_score <= 1
    trend = guardian.get_memory_usage_trend()
    assert trend["trend_classification"] == "INSUFFICIENT_DATA"
    assert trend["snapshots_count"] == 1
    assert guardian.get_memory_statistics().snapshots_count == 1


@pytest.mark.parametrize(
    ("component", "field", "value", "severity"),
    [
        ("process", "process_memory_mb", 1025.0, "HIGH"),
        ("gpu", "gpu_memory_mb", 513.0, "MEDIUM"),
        ("growth_rate", "growth_rate_mb_per_min", 51.0, "HIGH"),
        ("leak_detection", "leak_risk_score", 0.71, "CRITICAL"),
        ("allocations", "active_allocations_count", 10_001, "MEDIUM"),
    ],
)
def test_every_alert_can_fire(
    guardian: KimeraMemoryLeakGuardian,
    monkeypatch: pytest.MonkeyPatch,
    component: str,
    field: str,
    value: float,
    severity: str,
) -> None:
    values: dict[str, Any] = dict.fromkeys(MemorySnapshot.__dataclass_fields__, 0)
    values |= {"timestamp": datetime.now(), field: value}  # noqa: DTZ005
    monkeypatch.setattr(guardian, "take_snapshot", lambda: MemorySnapshot(**values))
    guardian.check()
    guardian.check()  # the same state is the same alert
    (alert,) = guardian.memory_alerts
    assert (alert.component, alert.severity) == (component, severity)
    assert guardian.get_recent_alerts() == [alert]
    values["timestamp"] -= timedelta(hours=3)
    assert guardian.analysis_stats["alerts_generated"] == 1


def test_growth_alone_reaches_the_risk_threshold(
    guardian: KimeraMemoryLeakGuardian, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 5))
    resident = iter(range(100 * MB, 10_000 * MB, 10 * MB))  # 120 MB/min
    monkeypatch.setattr(guardian_module.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(guardian_module.process, "resident_bytes", lambda: next(resident))
    for _ in range(12):
        snapshot = guardian.check()
    assert snapshot.growth_rate_mb_per_min == pytest.approx(120)
    assert {alert.component for alert in guardian.memory_alerts} == {
        "growth_rate",
        "leak_detection",
    }
    assert len({alert.alert_id for alert in guardian.memory_alerts}) == 2
    assert guardian.get_memory_usage_trend()["trend_classification"] == "INCREASING"


def test_gpu_leaks_need_a_gpu(guardian: KimeraMemoryLeakGuardian) -> None:
    assert guardian.detect_gpu_memory_leaks() == []
    guardian.enable_gpu_tracking = False
    assert guardian.detect_gpu_memory_leaks() == []


def test_gpu_leaks_are_reported_once_each(
    guardian: KimeraMemoryLeakGuardian, monkeypatch: pytest.MonkeyPatch
) -> None:
    allocated = [10 * MB]
    monkeypatch.setattr(
        guardian_module, "read_gpu_memory", lambda: GpuMemory(allocated[0], 900 * MB, 0)
    )
    assert guardian.detect_gpu_memory_leaks() == []
    handle = guardian.record_allocation("field", {"type": "gpu_tensor", "size": 180 * MB})
    guardian.record_allocation("host", {"type": "buffer", "size": 180 * MB})
    allocated[0] = 210 * MB
    (report,) = guardian.detect_gpu_memory_leaks()
    assert report.leak_id == "gpu_leak_field"
    assert report.detection_result is LeakDetectionResult.POTENTIAL_LEAK
    assert report.confidence_score > 0.7
    guardian.check()
    assert [each.leak_id for each in guardian.leak_reports] == ["gpu_leak_field"]
    assert guardian.get_memory_statistics().total_leaks_fixed == 0
    guardian.release_allocation(handle)
    assert guardian.get_memory_statistics().total_leaks_fixed == 1
    analysis = guardian.generate_comprehensive_report()["gpu_memory_analysis"]
    del analysis["by_line"]  # pools of other tests
    assert analysis == {
        "current_usage_bytes": 210 * MB,
        "baseline_bytes": 10 * MB,
        "growth_bytes": 200 * MB,
        "active_gpu_allocations": 0,
    }


def test_a_gpu_that_fails_is_no_exception(
    guardian: KimeraMemoryLeakGuardian, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> GpuMemory:
        raise RuntimeError("device lost")

    monkeypatch.setattr(guardian_module, "read_gpu_memory", broken)
    assert guardian.detect_gpu_memory_leaks() == []


def test_a_line_that_holds_device_memory_is_a_suspect_and_slack_is_not(
    guardian: KimeraMemoryLeakGuardian, monkeypatch: pytest.MonkeyPatch
) -> None:
    def block(state: str, line: int) -> dict[str, Any]:
        frames = [{"filename": "/srv/app/cache.py", "line": line, "name": "remember"}]
        return {"size": 100 * MB, "state": state, "frames": frames}

    allocated = [0]
    blocks = [block("active_allocated", 17), block("inactive", 30), block("active_allocated", 17)]
    segment = {"device": 0, "address": 4096, "total_size": 300 * MB, "blocks": blocks}
    trace = [{"action": "alloc", "addr": 4096 + k * 100 * MB, "time_us": 0} for k in range(3)]
    cuda = SimpleNamespace(
        is_available=lambda: True,
        is_initialized=lambda: True,
        mem_get_info=lambda _: (0, 0),
        memory_allocated=lambda _: allocated[0],
        memory_reserved=lambda _: 300 * MB,
        memory=SimpleNamespace(_snapshot=lambda: {"segments": [segment], "device_traces": [trace]}),
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert guardian.detect_gpu_memory_leaks() == []
    allocated[0] = 200 * MB
    (report,) = guardian.detect_gpu_memory_leaks()
    assert report.leak_id == "gpu_leak_torch cuda:0 /srv/app/cache.py:17"
    assert report.allocation_site.size_bytes == 200 * MB
    assert report.confidence_score > 0.7
    (torch,) = (
        each
        for each in guardian.generate_comprehensive_report()["gpu_memory_analysis"]["by_line"]
        if each["source"] == "torch"
    )
    assert (torch["live_bytes"], torch["slack_bytes"]) == (200 * MB, 100 * MB)
    assert [line["line"] for line in torch["lines"]] == [17]
