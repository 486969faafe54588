"""The closed loop: an alert about a component starts the recovery that fits it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.integration.components.protocols import (
    HasCache,
    HasDecisionCache,
    HasFields,
    HasMemoryStats,
    offers,
)
from kimera_leakguard_native.integration.monitoring import KimeraMonitoringWithLeakDetection
from kimera_leakguard_native.integration.recovery.action import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimera_leakguard_native.integration.recovery.action import RecoveryResult
    from kimera_leakguard_native.integration.recovery.recovery import AutomatedLeakRecovery

_KEPT = 1000


class RecoveringMonitoring(KimeraMonitoringWithLeakDetection):
    """Monitoring whose leak alerts are followed by a recovery, as far as the policy allows it.

    Parameters
    ----------
    recovery : AutomatedLeakRecovery
        Whose integrator is watched.

    Attributes
    ----------
    recovered : deque of RecoveryResult
        What the last thousand alerts led to.
    """

    def __init__(self, recovery: AutomatedLeakRecovery, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.recovery = recovery
        self.leak_integrator = recovery.integrator
        self.recovered: deque[RecoveryResult] = deque(maxlen=_KEPT)

    async def _trigger_leak_alert(self, component_name: str, health: Mapping[str, Any]) -> None:
        """Alert, then recover."""
        await super()._trigger_leak_alert(component_name, health)
        component = self.leak_integrator.monitored_components.get(component_name)
        strategy = strategy_for(component)
        if strategy is not None:
            result = await self.recovery.recover(strategy, health)
            self.recovered.append(result)
            if result.outcome is Outcome.DONE:
                self.leak_integrator.restart_component(component_name)


def strategy_for(component: object) -> str | None:
    """Name the recovery that fits a component by what it offers; None where none does."""
    if offers(component, HasFields):
        return "field_accumulation"
    if offers(component, HasCache) or offers(component, HasDecisionCache):
        return "cache_overflow"
    if offers(component, HasMemoryStats):
        return "gpu_memory_leak"
    return None
