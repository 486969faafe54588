"""A leaking site becomes an alert and a report, once, and is over when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.guardian import site_alerts
from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.model.guardian import LeakDetectionResult
from kimera_leakguard_native.model.site import SiteVerdict

if TYPE_CHECKING:
    import pytest

    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian


def site(verdict: str, confidence: float, line: int = 7) -> SiteVerdict:
    frame = Frame("/app/main.py", line, "remember")
    return SiteVerdict(
        "/app/main.py", line, "remember", 2**20, 2048.0, verdict, confidence, (frame,), "for sure"
    )


def test_a_leaking_site_is_one_alert_and_one_report(
    guardian: KimeraMemoryLeakGuardian, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    sites = [site("leak", 0.95), site("bounded", 0.8, line=9)]
    monkeypatch.setattr(site_alerts, "monotonic", lambda: clock[0])
    monkeypatch.setattr(site_alerts.sampler, "verdicts", lambda: sites)
    for _ in range(20):
        guardian.check()
        clock[0] += 10.0
    alerts = [each for each in guardian.memory_alerts if each.component.startswith("leak ")]
    assert [each.component for each in alerts] == ["leak /app/main.py:7"]
    assert alerts[0].severity == "CRITICAL"
    assert "2.0 KiB/s" in alerts[0].message
    (report,) = guardian.leak_reports
    assert report.detection_result is LeakDetectionResult.CONFIRMED_LEAK
    assert report.confidence_score == 0.95
    assert report.leak_path == ["/app/main.py:7 in remember"]

    sites[:] = [site("bounded", 0.8)]
    clock[0] += 100.0
    guardian.check()
    sites[:] = [site("leak", 0.5)]
    clock[0] += 100.0
    guardian.check()
    alerts = [each for each in guardian.memory_alerts if each.component.startswith("leak ")]
    assert [each.severity for each in alerts] == ["CRITICAL", "HIGH"]
    assert guardian.leak_reports[0].detection_result is LeakDetectionResult.POTENTIAL_LEAK


def test_judging_is_spaced_out(
    guardian: KimeraMemoryLeakGuardian, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, looks = [0.0], [0]

    def verdicts() -> list[SiteVerdict]:
        looks[0] += 1
        return []

    monkeypatch.setattr(site_alerts, "monotonic", lambda: clock[0])
    monkeypatch.setattr(site_alerts.sampler, "verdicts", verdicts)
    watch = site_alerts.SiteAlerts(guardian.add_leak_report, lambda _key: None)
    snapshot = guardian.take_snapshot()
    while clock[0] < 86_400:
        watch.readings(snapshot)
        clock[0] += 5.0
    assert 50 < looks[0] < 200
