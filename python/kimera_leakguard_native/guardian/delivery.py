"""Hands alerts to a sink on a thread of its own, so that a slow or broken one hurts nobody."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.model.guardian import MemoryAlert

_LOG = logging.getLogger(__name__)

WAITING = 100
"""Alerts that wait for a sink at most; the oldest make room."""

ATTEMPTS = 3
FIRST_PAUSE_S = 1.0
"""Before the second attempt; each further pause is four times as long."""


class Delivery:
    """One sink and the alerts that wait for it.

    The thread starts with the first alert and ends when none is left. A sink that raises gets the
    same alert again, `ATTEMPTS` times in all; the first failure is logged, all are counted.

    Parameters
    ----------
    sink : callable
        Takes a `MemoryAlert`; may block and may raise.

    Attributes
    ----------
    delivered, failed, dropped : int
        Alerts the sink took, those given up, and those that found no room or were still waiting
        when the delivery was stopped.
    """

    def __init__(self, sink: Callable[[MemoryAlert], object]) -> None:
        self.sink = sink
        self.delivered = self.failed = self.dropped = 0
        self._told = False
        self._lock = threading.Lock()
        self._waiting: deque[MemoryAlert] = deque()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        _ALL.add(self)

    def put(self, alert: MemoryAlert) -> None:
        """Leave an alert; returns at once."""
        with self._lock:
            if len(self._waiting) >= WAITING:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(alert)
            if self._thread is None:
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stop,), name="klg-alerts", daemon=True
                )
                self._thread.start()

    def stop(self) -> None:
        """Forget what waits and end the thread; one that is inside its sink ends after that."""
        with self._lock:
            self.dropped += len(self._waiting)
            self._waiting.clear()
            self._stop.set()
            self._thread = None

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is left to deliver; False where that took longer."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return self._thread is None

    def renew(self) -> None:
        """Begin anew in the child of a fork, which has no such thread and may find a lock held."""
        self._lock = threading.Lock()
        self._waiting.clear()
        self._thread = None

    def _run(self, stop: threading.Event) -> None:
        while True:
            with self._lock:
                if stop.is_set():
                    return
                if not self._waiting:
                    self._thread = None
                    return
                alert = self._waiting.popleft()
            if self._deliver(alert, stop):
                self.delivered += 1
            elif stop.is_set():
                self.dropped += 1
            else:
                self.failed += 1

    def _deliver(self, alert: MemoryAlert, stop: threading.Event) -> bool:
        pause = FIRST_PAUSE_S
        for attempt in range(ATTEMPTS):
            if attempt and stop.wait(pause):
                return False
            pause *= 4 if attempt else 1
            try:
                self.sink(alert)
            except Exception as error:  # noqa: BLE001 - a sink must not take its host down
                if not self._told:
                    self._told = True
                    _LOG.warning("alert sink %r failed and will be tried again: %r", self, error)
            else:
                return True
        return False

    def __repr__(self) -> str:
        return f"Delivery({getattr(self.sink, '__qualname__', type(self.sink).__name__)})"


class AlertSinks:
    """The sinks of a guardian."""

    def __init__(self) -> None:
        self._deliveries: tuple[Delivery, ...] = ()

    def add(self, sink: Callable[[MemoryAlert], object]) -> Delivery:
        """Have a callable get every new alert, on a thread of its own.

        Parameters
        ----------
        sink : callable
            For example a `kimera_leakguard_native.guardian.webhook.Webhook`.

        Returns
        -------
        Delivery
            Counts what was delivered, failed and dropped.
        """
        delivery = Delivery(sink)
        self._deliveries = (*self._deliveries, delivery)
        return delivery

    def remove(self, sink: Callable[[MemoryAlert], object]) -> None:
        """Have a sink get no more alerts; what waits for it is dropped."""
        for delivery in self._deliveries:
            if delivery.sink == sink:
                delivery.stop()
        self._deliveries = tuple(each for each in self._deliveries if each.sink != sink)

    def put(self, alert: MemoryAlert) -> None:
        """Leave an alert for all sinks; returns at once."""
        for delivery in self._deliveries:
            delivery.put(alert)

    def stop(self) -> None:
        """Drop what waits; the next alert starts the deliveries again."""
        for delivery in self._deliveries:
            delivery.stop()


_ALL: weakref.WeakSet[Delivery] = weakref.WeakSet()


def _renew_all() -> None:
    for delivery in list(_ALL):
        delivery.renew()


os.register_at_fork(after_in_child=_renew_all)
