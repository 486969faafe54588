from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kimera_leakguard_native.integration.monitoring import (
    AlertSeverity,
    KimeraMonitoringWithLeakDetection,
)


class Core:
    """Shaped like Kimera's monitoring core, with its endless profile loop."""

    def __init__(self, level: str = "detailed") -> None:
        self.level = level
        self.alerts: list[Any] = []
        self.is_running = False
        self.profiled = 0

    async def start_monitoring(self) -> None:
        self.is_running = True

    async def stop_monitoring(self) -> None:
        self.is_running = False

    async def _profile_performance(self) -> None:
        while self.is_running:
            self.profiled += 1
            await asyncio.sleep(0.01)

    async def _send_alert(self, alert: Any) -> None:
        self.alerts.append(alert)


class Monitoring(KimeraMonitoringWithLeakDetection, Core):
    pass


def critical(risk: float = 0.9) -> dict[str, Any]:
    return {
        "fields": {"leak_risk_score": risk, "recommendations": ["remove fields"]},
        "cache": {"leak_risk_score": 0.1, "recommendations": []},
    }


def with_report(monitoring: Any, monkeypatch: pytest.MonkeyPatch, risk: float) -> None:
    monkeypatch.setattr(monitoring.leak_integrator, "health_by_component", lambda: critical(risk))


def test_alone_it_keeps_its_alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    monitoring = KimeraMonitoringWithLeakDetection()
    with_report(monitoring, monkeypatch, 0.9)
    assert asyncio.run(monitoring.check_leaks()) == ["fields"]
    (alert,) = monitoring.alerts
    assert alert.severity is AlertSeverity.CRITICAL
    assert (alert.value, alert.threshold) == (0.9, 0.8)
    assert "remove fields" in alert.message


def test_an_alert_is_sent_once_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monitoring = KimeraMonitoringWithLeakDetection()
    for risk, fresh in ((0.9, 1), (0.95, 0), (0.75, 0), (0.9, 0), (0.5, 0), (0.9, 1)):
        with_report(monitoring, monkeypatch, risk)
        assert len(asyncio.run(monitoring.check_leaks())) == fresh, risk


def test_a_thousand_alerts_at_once_are_kept_and_few_lines(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monitoring = KimeraMonitoringWithLeakDetection()
    health = {f"c{number}": critical()["fields"] for number in range(1000)}
    monkeypatch.setattr(monitoring.leak_integrator, "health_by_component", lambda: health)
    assert len(asyncio.run(monitoring.check_leaks())) == 1000
    assert len(monitoring.alerts) == 1000
    assert len(caplog.records) == 11
    assert caplog.messages[-1] == "and 990 more components"


def test_with_a_core_it_starts_it_and_alerts_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> Monitoring:
        monitoring = Monitoring(level="extreme", leak_check_interval=0.01)
        with_report(monitoring, monkeypatch, 0.9)
        await monitoring.start_monitoring()
        await monitoring.start_monitoring()
        profile = asyncio.create_task(monitoring._profile_performance())
        for _ in range(200):
            if monitoring.alerts:
                break
            await asyncio.sleep(0.01)
        assert monitoring.is_running
        await monitoring.stop_monitoring()
        await profile
        return monitoring

    monitoring = asyncio.run(main())
    assert monitoring.level == "extreme"
    assert len(monitoring.alerts) == 1
    assert monitoring.profiled > 0
    assert not monitoring.is_running


def test_a_failing_check_does_not_end_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        calls = asyncio.Semaphore(0)

        def broken() -> Any:
            calls.release()
            raise RuntimeError("no report")

        monitoring = KimeraMonitoringWithLeakDetection(leak_check_interval=0.01)
        monkeypatch.setattr(monitoring.leak_integrator, "health_by_component", broken)
        await monitoring.start_monitoring()
        for _ in range(3):
            await calls.acquire()
        await monitoring.stop_monitoring()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_the_interval_is_checked() -> None:
    with pytest.raises(ValueError, match="leak_check_interval"):
        KimeraMonitoringWithLeakDetection(leak_check_interval=0)
