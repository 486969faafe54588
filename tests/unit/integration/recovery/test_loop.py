from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kimera_leakguard_native.engines.cognitive_field.leak_detection import (
    CognitiveFieldDynamicsWithLeakDetection,
)
from kimera_leakguard_native.integration.recovery.action import Outcome
from kimera_leakguard_native.integration.recovery.loop import RecoveringMonitoring, strategy_for
from kimera_leakguard_native.integration.recovery.policy import RecoveryPolicy
from kimera_leakguard_native.integration.recovery.recovery import AutomatedLeakRecovery

if TYPE_CHECKING:
    from kimera_leakguard_native.integration.integrator import KimeraLeakDetectionIntegrator


def monitored(
    integrator: KimeraLeakDetectionIntegrator, policy: RecoveryPolicy
) -> tuple[RecoveringMonitoring, Any]:
    fields = CognitiveFieldDynamicsWithLeakDetection(64, leak_guardian=integrator.leak_guardian)
    integrator.register_component("fields", fields)
    for index in range(100):
        fields.add_geoid(f"g{index}", [1.0] * 63 + [float(index)])
    return RecoveringMonitoring(AutomatedLeakRecovery(integrator, policy)), fields


HEALTH = {"leak_risk_score": 0.9, "recommendations": []}


def test_an_alert_is_followed_by_the_fitting_recovery(
    integrator: KimeraLeakDetectionIntegrator,
) -> None:
    policy = RecoveryPolicy(frozenset({"field_accumulation"}), keep_fields=10)
    monitoring, fields = monitored(integrator, policy)
    asyncio.run(monitoring._trigger_leak_alert("fields", HEALTH))
    assert len(monitoring.alerts) == 1
    assert [each.outcome for each in monitoring.recovered] == [Outcome.DONE]
    assert fields.field_count == 10


def test_without_consent_there_is_an_alert_and_nothing_else(
    integrator: KimeraLeakDetectionIntegrator,
) -> None:
    monitoring, fields = monitored(integrator, RecoveryPolicy(keep_fields=10))
    asyncio.run(monitoring._trigger_leak_alert("fields", HEALTH))
    assert len(monitoring.alerts) == 1
    assert [each.outcome for each in monitoring.recovered] == [Outcome.NOT_ALLOWED]
    assert fields.field_count == 100


@pytest.mark.parametrize(
    ("component", "strategy"),
    [
        (SimpleNamespace(field_count=1), "field_accumulation"),
        (SimpleNamespace(cache={}, hit_count=0, miss_count=0), "cache_overflow"),
        (SimpleNamespace(decision_cache=None), "cache_overflow"),
        (SimpleNamespace(get_memory_stats=dict), "gpu_memory_leak"),
        (SimpleNamespace(), None),
        (None, None),
    ],
)
def test_the_strategy_follows_what_a_component_offers(component: Any, strategy: str | None) -> None:
    assert strategy_for(component) == strategy
