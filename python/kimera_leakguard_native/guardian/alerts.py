"""Alerts: raised once when a limit is passed, again only after it was left or a long while."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.model.guardian import MemoryAlert

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

KEPT = 100
CLEAR_AT = 0.9
"""An alert is over when its figure is at or below this share of the limit."""
REPEAT_S = 3600.0
"""An alert that is not over is raised again after this many seconds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One watched figure beside its limit.

    Attributes
    ----------
    component : str
        What is watched, for example ``process``; also the key of de-duplication.
    value, limit : float
        In the figure's own unit; the alert is raised strictly above the limit.
    message : str
        With the figures in it.
    """

    component: str
    severity: str
    value: float
    limit: float
    message: str
    recommendations: tuple[str, ...] = ()


class AlertBook:
    """Keeps the last alerts and which of them are still on."""

    def __init__(self) -> None:
        self._alerts: deque[MemoryAlert] = deque(maxlen=KEPT)
        self._raised: dict[str, datetime] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.total = 0

    def judge(
        self, readings: Iterable[Reading], now: datetime, memory_mb: float
    ) -> list[MemoryAlert]:
        """Raise what is new among the readings, and forget what is over."""
        with self._lock:
            return [
                self._raise(reading, now, memory_mb)
                for reading in readings
                if self._is_new(reading, now)
            ]

    def recent(self, since: datetime) -> list[MemoryAlert]:
        """Give the kept alerts from a time on, oldest first."""
        with self._lock:
            return [alert for alert in self._alerts if alert.timestamp >= since]

    def kept(self) -> list[MemoryAlert]:
        """Give the last alerts, oldest first."""
        with self._lock:
            return list(self._alerts)

    def _is_new(self, reading: Reading, now: datetime) -> bool:
        raised = self._raised.get(reading.component)
        if reading.value > reading.limit:
            return raised is None or _seconds(now - raised) >= REPEAT_S
        if reading.value <= CLEAR_AT * reading.limit:
            self._raised.pop(reading.component, None)
        return False

    def _raise(self, reading: Reading, now: datetime, memory_mb: float) -> MemoryAlert:
        self._raised[reading.component] = now
        alert = MemoryAlert(
            alert_id=f"{reading.component}_{next(self._numbers)}",
            severity=reading.severity,
            message=reading.message,
            timestamp=now,
            memory_usage_mb=memory_mb,
            threshold_mb=reading.limit,
            component=reading.component,
            recommendations=list(reading.recommendations),
        )
        self._alerts.append(alert)
        self.total += 1
        return alert


def _seconds(duration: timedelta) -> float:
    return duration.total_seconds()
