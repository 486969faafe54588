"""The demo's service and its guard: sampler, monitoring, alerts and recovery."""

from __future__ import annotations

from kimera_leakguard_native import _core
from kimera_leakguard_native.integration.demo.service import DemoService
from kimera_leakguard_native.integration.integrator import KimeraLeakDetectionIntegrator
from kimera_leakguard_native.integration.recovery import heap
from kimera_leakguard_native.integration.recovery.loop import RecoveringMonitoring
from kimera_leakguard_native.integration.recovery.policy import RecoveryPolicy
from kimera_leakguard_native.integration.recovery.recovery import AutomatedLeakRecovery
from kimera_leakguard_native.runtime import sampler

_KEPT_FIELDS = 500
_WARM_UP = 2000
_PASS_S = 1.0


class GuardedService:
    """A service whose guard can be switched on and off while it serves.

    Parameters
    ----------
    recover : bool
        Whether recovery may act.
    """

    def __init__(self, *, recover: bool) -> None:
        self.service = DemoService()
        self.integrator = KimeraLeakDetectionIntegrator(
            enable_auto_optimization=False, monitoring_interval=_PASS_S
        )
        for name, component in (
            ("cognitive_field_dynamics", self.service.fields),
            ("decision_cache", self.service.cache),
            ("gpu_memory_pool", self.service.pool),
            ("contradiction_engine", self.service.engine),
        ):
            self.integrator.register_component(name, component)
        allowed = frozenset({"field_accumulation", "cache_overflow"} if recover else ())
        policy = RecoveryPolicy(allowed, keep_fields=_KEPT_FIELDS)
        recovery = AutomatedLeakRecovery(self.integrator, policy, cool_down_s=0.0)
        recovery.register_cache("decisions", self.service.cache.cache.clear)
        self.monitoring = RecoveringMonitoring(recovery, leak_check_interval=_PASS_S)

    def warm_up(self) -> None:
        """Have done what a first request imports and builds: that is no leak."""
        for number in range(_WARM_UP):
            self.service.handle(-number - 1)
        self.forget()
        self.service.requests = 0

    def forget(self) -> None:
        """Give back what requests have left behind."""
        self.service.fields.limit_fields(_KEPT_FIELDS)
        self.service.fields.limit_fields(None)
        self.service.fields.compact()
        self.service.cache.cache.clear()
        heap.trim()

    async def start_guard(self) -> None:
        """Sample allocations, where that works, and watch the components."""
        if not _core.sampler.unavailable_reason() and not _core.sampler.recording():
            sampler.start(agent=False)
        await self.monitoring.start_monitoring()

    async def stop_guard(self) -> None:
        """End both."""
        await self.monitoring.stop_monitoring()
        sampler.stop()
