"""Leak detection beside a monitoring core, Kimera's or none."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.integration.shared import get_leak_detection_integrator

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOG = logging.getLogger(__name__)
_KEPT = 10_000
_CLEAR_AT = 0.9
_LOGGED = 10
"""Alerts of one look that are logged each; the others are counted in one line."""

CRITICAL_RISK = 0.8
"""Risk of a component above which an alert is sent."""


class AlertSeverity(Enum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass
class MonitoringAlert:
    """An alert as monitoring cores pass it around."""

    id: str
    severity: AlertSeverity
    message: str
    timestamp: datetime
    metric_name: str
    value: float
    threshold: float
    context: dict[str, Any] = field(default_factory=dict)


class KimeraMonitoringWithLeakDetection:
    """Looks at the components' leak risk in a task of its own, and sends alerts.

    Alone it keeps its alerts itself. To go with a monitoring core, derive from both, this one
    first: ``class Monitoring(KimeraMonitoringWithLeakDetection, KimeraMonitoringCore)``. The
    core is started and stopped along, and alerts go through its ``_send_alert``.

    Parameters
    ----------
    *args, **kwargs
        For the core.
    leak_check_interval : float
        Seconds between two looks.

    Attributes
    ----------
    leak_integrator : KimeraLeakDetectionIntegrator
        That of the process.
    alerts : deque of MonitoringAlert
        The last 10 000, without a core that has its own.
    """

    def __init__(self, *args: Any, leak_check_interval: float = 30.0, **kwargs: Any) -> None:
        if not leak_check_interval > 0:
            raise ValueError(
                f"leak_check_interval: expected seconds > 0, got {leak_check_interval}"
            )
        super().__init__(*args, **kwargs)
        if not hasattr(self, "alerts"):
            self.alerts: deque[Any] = deque(maxlen=_KEPT)
        self.leak_integrator = get_leak_detection_integrator()
        self.leak_check_interval = leak_check_interval
        self._leak_task: asyncio.Task[None] | None = None
        self._alerted: set[str] = set()
        self._alert_numbers = itertools.count(1)
        self._left_to_log = _LOGGED

    async def start_monitoring(self) -> None:
        """Start the core, if there is one, the integrator, and our own task; idempotent."""
        if self._leak_task is not None and not self._leak_task.done():
            return
        await _pass_on(super(), "start_monitoring")
        await self.leak_integrator.start_integrated_monitoring()
        self._leak_task = asyncio.create_task(self._watch_leaks(), name="klg-leak-check")

    async def stop_monitoring(self) -> None:
        """Stop everything that `start_monitoring` started, and wait for it."""
        task, self._leak_task = self._leak_task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.leak_integrator.stop_integrated_monitoring()
        await _pass_on(super(), "stop_monitoring")

    async def _watch_leaks(self) -> None:
        failed = False
        while True:
            try:
                await self.check_leaks()
            except Exception as error:  # noqa: BLE001 - the next look may succeed
                if not failed:
                    _LOG.warning("a leak check failed and will be tried again: %r", error)
                failed = True
            await asyncio.sleep(self.leak_check_interval)

    async def check_leaks(self) -> list[str]:
        """Send an alert for every component that has become critical; give their names."""
        health = self.leak_integrator.health_by_component()
        # The log is written on the event loop, and who reads it may be slow.
        self._left_to_log = _LOGGED
        fresh = []
        for name, each in health.items():
            risk = each["leak_risk_score"]
            if risk > CRITICAL_RISK and name not in self._alerted:
                self._alerted.add(name)
                fresh.append(name)
                await self._trigger_leak_alert(name, each)
            elif risk <= _CLEAR_AT * CRITICAL_RISK:
                self._alerted.discard(name)
        self._alerted &= set(health)
        if self._left_to_log < 0:
            _LOG.critical("and %d more components", -self._left_to_log)
        return fresh

    async def _profile_performance(self) -> None:
        """Profile as the core does; leak checks have a task of their own and do not wait for it."""
        await _pass_on(super(), "_profile_performance")

    async def _trigger_leak_alert(self, component_name: str, health: Mapping[str, Any]) -> None:
        """Send one alert about a component."""
        alert = MonitoringAlert(
            id=f"leak_{component_name}_{next(self._alert_numbers)}",
            severity=AlertSeverity.CRITICAL,
            message=f"{component_name} is about to exhaust its memory: "
            + ("; ".join(health["recommendations"]) or f"risk {health['leak_risk_score']:.2f}"),
            timestamp=datetime.now(),  # noqa: DTZ005 - as clients compare it
            metric_name="leak_risk_score",
            value=health["leak_risk_score"],
            threshold=CRITICAL_RISK,
            context={"component": component_name, **health},
        )
        await self._send_alert(alert)

    async def _send_alert(self, alert: Any) -> None:
        """Hand an alert to the core, or keep and log it where there is none."""
        if not await _pass_on(super(), "_send_alert", alert):
            self.alerts.append(alert)
            if self._left_to_log > 0:
                _LOG.critical("%s", alert.message)
            self._left_to_log -= 1


async def _pass_on(above: Any, method: str, *arguments: Any) -> bool:
    """Call a method of the next class, if it has it; whether it does."""
    function = getattr(above, method, None)
    if function is None:
        return False
    outcome = function(*arguments)
    if inspect.isawaitable(outcome):
        await outcome
    return True
