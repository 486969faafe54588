"""What the agent of a process can say once components are watched."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.integration.components.protocols import HasMemoryStats, offers
from kimera_leakguard_native.integration.components.reading import figure
from kimera_leakguard_native.integration.components.watch import PatientCaller
from kimera_leakguard_native.integration.forecast_band import forecast_band
from kimera_leakguard_native.runtime import process
from kimera_leakguard_native.runtime.forecast.detector import PredictiveLeakDetector

if TYPE_CHECKING:
    from kimera_leakguard_native.integration.integrator import KimeraLeakDetectionIntegrator
    from kimera_leakguard_native.integration.recovery.recovery import AutomatedLeakRecovery
    from kimera_leakguard_native.runtime.agent.server import Agent

_MOST = 200
_PATIENCE_S = 1.0
_MB = 2**20


def provide_sections(
    agent: Agent,
    integrator: KimeraLeakDetectionIntegrator,
    recovery: AutomatedLeakRecovery | None = None,
) -> None:
    """Have an agent answer for components, pools, alerts, recoveries and the forecast too.

    The forecast rests on the readings of whoever asks: it needs to be asked every few seconds.
    """
    detector = PredictiveLeakDetector(limit_mb=integrator.memory_limit_mb)
    agent.provide("forecast", lambda: _forecast(detector))
    agent.provide("components", lambda: _components(integrator))
    caller: PatientCaller[dict[str, Any]] = PatientCaller()
    agent.provide("pools", lambda: _pools(integrator, caller))
    agent.provide("alerts", lambda: _alerts(integrator))
    if recovery is not None:
        agent.provide("recoveries", lambda: _recoveries(recovery))


def _forecast(detector: PredictiveLeakDetector) -> dict[str, Any]:
    resident = process.resident_bytes()
    return forecast_band(detector.predict_future_leaks(resident / _MB), time.time(), resident)


def _components(integrator: KimeraLeakDetectionIntegrator) -> list[dict[str, Any]]:
    health = sorted(
        integrator.component_health.values(),
        key=lambda each: (-each.leak_risk_score, each.component_name),
    )
    return [
        {
            "name": each.component_name,
            "leak_risk_score": each.leak_risk_score,
            "memory_usage_mb": each.memory_usage_mb,
            "performance_impact": each.performance_impact,
            "recommendations": each.recommendations,
        }
        for each in health[:_MOST]
    ]


def _pools(
    integrator: KimeraLeakDetectionIntegrator, caller: PatientCaller[dict[str, Any]]
) -> list[dict[str, Any]]:
    calls = {
        name: partial(_pool, component)
        for name, component in integrator.monitored_components.items()
    }
    answers = caller.call_all(calls, _PATIENCE_S)
    return [
        {"name": name, **answer}
        for name, answer in answers.items()
        if isinstance(answer, dict) and answer
    ][:_MOST]


def _pool(component: Any) -> dict[str, Any]:
    if not offers(component, HasMemoryStats):
        return {}
    stats = component.get_memory_stats()
    row: dict[str, Any] = {
        key: int(figure(key, stats.get(key, 0)))
        for key in ("used_slots", "total_slots", "committed_bytes")
    }
    return {**row, "device": str(stats.get("device", "cpu"))}


def _alerts(integrator: KimeraLeakDetectionIntegrator) -> list[dict[str, Any]]:
    return [
        {
            "time": alert.timestamp.timestamp(),
            "severity": alert.severity,
            "message": alert.message,
        }
        for alert in reversed(integrator.leak_guardian.memory_alerts)
    ]


def _recoveries(recovery: AutomatedLeakRecovery) -> list[dict[str, Any]]:
    return [
        {
            "time": each.timestamp,
            "action": each.action,
            "outcome": each.outcome.value,
            "freed_bytes": each.freed_bytes,
            "seconds": each.seconds,
            "reason": each.reason,
        }
        for each in reversed(recovery.audit.entries()[-_MOST:])
    ]
