"""`KimeraLeakDetectionIntegrator`: the components of a process, their health, and what helps."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import weakref
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.guardian import announcements
from kimera_leakguard_native.guardian.shared import get_memory_leak_guardian
from kimera_leakguard_native.integration.components.growth import Growth, Series
from kimera_leakguard_native.integration.components.health import (
    BASELINES,
    ComponentHealth,
    unreadable,
)
from kimera_leakguard_native.integration.components.protocols import ACCELERATING, FREEING
from kimera_leakguard_native.integration.components.reading import Reading, read_component
from kimera_leakguard_native.integration.components.watch import PatientCaller, StillBusyError
from kimera_leakguard_native.integration.optimization import Optimizer
from kimera_leakguard_native.runtime import process
from kimera_leakguard_native.runtime.forecast.limits import headroom_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian
    from kimera_leakguard_native.integration.components.growth import Growth
    from kimera_leakguard_native.model.integration import (
        ComponentHealthMetrics,
        SystemOptimizationResult,
    )

_LOG = logging.getLogger(__name__)
_MB = 2**20
_REPORTED_OPTIMIZATIONS = 10
_SLOW = frozenset({"degraded", "critical"})

OPTIMIZATION_S = 10.0
"""Seconds after which a component's optimization is left alone, and not called again."""


class KimeraLeakDetectionIntegrator:
    """Watches components by what they offer; see `integration.components.protocols`.

    Components are held weakly where they allow it, and one that raises, hangs or gives nonsense
    costs nothing but its own figures.

    Parameters
    ----------
    enable_auto_optimization : bool
        Call the optimizations that a component at risk offers, and nothing else.
    optimization_threshold : float
        Risk above which that happens, in [0, 1].
    monitoring_interval : float
        Seconds between two passes.
    leak_guardian : KimeraMemoryLeakGuardian, optional
        That of the process by default.
    patience_s : float
        Seconds after which a component that does not answer is left alone.
    memory_limit_mb : float, optional
        What the process may have resident, in units of 2**20 bytes; by default what its control
        group or the machine has left is its headroom.

    Attributes
    ----------
    component_health : dict of str to ComponentHealthMetrics
        Of the last pass; empty before it.
    performance_baselines : dict of str to float
        Targets that performance is graded by; may be changed.
    """

    def __init__(
        self,
        enable_auto_optimization: bool = True,
        optimization_threshold: float = 0.7,
        monitoring_interval: float = 30.0,
        *,
        leak_guardian: KimeraMemoryLeakGuardian | None = None,
        patience_s: float = 1.0,
        memory_limit_mb: float | None = None,
    ) -> None:
        if not monitoring_interval > 0:
            raise ValueError(
                f"monitoring_interval: expected seconds > 0, got {monitoring_interval}"
            )
        if not 0 <= optimization_threshold <= 1:
            raise ValueError(
                f"optimization_threshold: expected a risk in [0, 1], got {optimization_threshold}"
            )
        self.enable_auto_optimization = enable_auto_optimization
        self.optimization_threshold = optimization_threshold
        self.monitoring_interval = monitoring_interval
        self.leak_guardian = leak_guardian or get_memory_leak_guardian()
        self.component_health: dict[str, ComponentHealthMetrics] = {}
        self.performance_baselines = dict(BASELINES)
        self.monitoring_task: asyncio.Task[None] | None = None
        self.optimizer = Optimizer()
        self.memory_limit_mb = memory_limit_mb
        self._patience_s = patience_s
        self._components: dict[str, Callable[[], Any]] = {}
        self._health: dict[str, ComponentHealth] = {}
        self._resident = Series()
        self._caller: PatientCaller[Reading] = PatientCaller()
        self._optimizing: PatientCaller[None] = PatientCaller()
        self._hung: set[str] = set()
        self._lock = threading.Lock()
        self._pass = threading.Lock()

    # Components

    @property
    def monitored_components(self) -> dict[str, Any]:
        """The components that are alive, by name."""
        with self._lock:
            known = list(self._components.items())
        return {name: each for name, get in known if (each := get()) is not None}

    def register_component(self, component_name: str, component_instance: Any) -> None:
        """Watch a component under a name; one that had the name before is watched no longer."""
        if not isinstance(component_name, str):
            raise TypeError(f"component_name: expected a str, got {type(component_name).__name__}")
        if component_instance is None:
            raise ValueError(f"component {component_name!r}: expected an object, got None")
        get: Callable[[], Any]
        try:
            get = weakref.ref(component_instance)
        except TypeError:
            get = partial(_same, component_instance)
        with self._lock:
            self._components[component_name] = get
            self._health[component_name] = ComponentHealth(component_name)

    def unregister_component(self, component_name: str) -> bool:
        """Watch a component no longer; False where the name is not known."""
        with self._lock:
            self._health.pop(component_name, None)
            self.component_health.pop(component_name, None)
            return self._components.pop(component_name, None) is not None

    def register_announced(self) -> int:
        """Register what announced itself, now and from now on; give the number of new ones."""
        announcements.listen(self._take_in)
        return sum(self._take_in(kind, each) for kind, each in announcements.announced())

    def _take_in(self, kind: str, component: Any) -> bool:
        known = self.monitored_components
        if any(each is component for each in known.values()):
            return False
        name, number = kind, 2
        while name in known:
            name, number = f"{kind}_{number}", number + 1
        self.register_component(name, component)
        return True

    # Passes

    def check_components(self) -> dict[str, ComponentHealthMetrics]:
        """Read every component, judge it, and optimize what is at risk; what a pass does."""
        with self._pass:
            components = self.monitored_components
            outcomes = self._caller.call_all(
                {name: partial(read_component, each) for name, each in components.items()},
                self._patience_s,
            )
            now, resident = time.monotonic(), process.resident_bytes()
            self._resident.add(now, resident)
            growth, headroom = self._resident.growth(), self._headroom(resident)
            health = {
                name: self._judge(name, each, now, growth, headroom)
                for name, each in outcomes.items()
            }
            self.component_health = health
            if self.enable_auto_optimization:
                self._optimize_all(components, health)
            with self._lock:
                for name in [name for name, get in self._components.items() if get() is None]:
                    del self._components[name], self._health[name]
            return health

    def _judge(
        self,
        name: str,
        outcome: Reading | Exception,
        now: float,
        process_growth: Growth,
        headroom: float,
    ) -> ComponentHealthMetrics:
        with self._lock:
            known = self._health.get(name) or ComponentHealth(name)
        if isinstance(outcome, StillBusyError):
            return unreadable(name, f"does not answer within {self._patience_s:g} s")
        if isinstance(outcome, Exception):
            return unreadable(name, f"cannot be read: {outcome!r}")
        known.add(now, outcome)
        return known.metrics(process_growth, headroom, self.performance_baselines)

    def _headroom(self, resident: int) -> float:
        if self.memory_limit_mb is None:
            return headroom_bytes()
        return max(0.0, self.memory_limit_mb * _MB - resident)

    def _optimize_all(
        self, components: dict[str, Any], health: dict[str, ComponentHealthMetrics]
    ) -> None:
        calls = {
            name: partial(self._optimize, name, components[name], metrics)
            for name, metrics in health.items()
            if metrics.performance_impact in _SLOW
            or metrics.leak_risk_score > self.optimization_threshold
        }
        if calls:
            outcomes = self._optimizing.call_all(calls, OPTIMIZATION_S)
            hung = {name for name, each in outcomes.items() if isinstance(each, Exception)}
            for name in sorted(hung - self._hung):
                _LOG.warning("optimizing %s: not back after %g s", name, OPTIMIZATION_S)
            self._hung = hung

    def _optimize(self, name: str, component: Any, metrics: ComponentHealthMetrics) -> None:
        if metrics.performance_impact in _SLOW:
            self.optimizer.optimize(name, component, ACCELERATING)
        at_risk = metrics.leak_risk_score > self.optimization_threshold
        if at_risk and self.optimizer.optimize(name, component, FREEING):
            self.restart_component(name)

    def restart_component(self, name: str) -> None:
        """Judge a component anew: what it did before somebody intervened says nothing now."""
        with self._lock:
            if name in self._health:
                self._health[name].restart()

    @property
    def optimization_history(self) -> list[SystemOptimizationResult]:
        """The last optimizations, failed ones too, oldest first."""
        return self.optimizer.history

    # Monitoring

    @property
    def is_monitoring(self) -> bool:
        """Whether passes are being made."""
        return self.monitoring_task is not None and not self.monitoring_task.done()

    async def start_integrated_monitoring(self) -> None:
        """Start passes, the first one at once, and the guardian's monitor; idempotent."""
        if self.is_monitoring or self.leak_guardian.disabled:
            return
        self.leak_guardian.start_monitoring()
        self.monitoring_task = asyncio.create_task(self._run(), name="klg-integrator")

    async def stop_integrated_monitoring(self) -> None:
        """Stop passes and the guardian's monitor, and wait until they have ended."""
        task, self.monitoring_task = self.monitoring_task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(self.leak_guardian.stop_monitoring)

    async def _run(self) -> None:
        failed = False
        while True:
            try:
                await asyncio.to_thread(self.check_components)
            except Exception:  # noqa: BLE001 - the host goes on, and so does the next pass
                if not failed:
                    _LOG.exception("a pass over the components failed and will be tried again")
                failed = True
            await asyncio.sleep(self.monitoring_interval)

    # Report

    def health_by_component(self) -> dict[str, dict[str, Any]]:
        """Give the ``component_health`` of the report alone, which costs little."""
        return {name: _health(metrics) for name, metrics in dict(self.component_health).items()}

    def generate_integration_report(self) -> dict[str, Any]:
        """Give everything that the last pass found, as plain data that json can write.

        Decorated functions that have not been analysed yet are analysed first, which may take
        seconds: not for an event loop.
        """
        health = self.health_by_component()
        history = self.optimization_history
        return {
            "integration_summary": {
                "timestamp": datetime.now(timezone.utc).isoformat(),
                "monitored_components": len(self.monitored_components),
                "component_health_checks": len(health),
                "optimizations_performed": self.optimizer.performed,
                "auto_optimization_enabled": self.enable_auto_optimization,
            },
            "component_health": health,
            "optimization_history": [
                {
                    "optimization_type": each.optimization_type,
                    "performance_improvement": each.performance_improvement,
                    "memory_freed_mb": each.memory_freed_mb,
                    "success": each.success,
                }
                for each in history[-_REPORTED_OPTIMIZATIONS:]
            ],
            "performance_baselines": dict(self.performance_baselines),
            "leak_guardian_report": self.leak_guardian.generate_comprehensive_report(),
        }


def _same(component: Any) -> Any:
    return component


def _health(metrics: ComponentHealthMetrics) -> dict[str, Any]:
    return {
        "memory_usage_mb": metrics.memory_usage_mb,
        "gpu_memory_mb": metrics.gpu_memory_mb,
        "leak_risk_score": metrics.leak_risk_score,
        "performance_impact": metrics.performance_impact,
        "recommendations": list(metrics.recommendations),
    }
