"""A thread that does one thing at intervals and can be stopped at once."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger(__name__)


class Monitor:
    """Calls a method at once and then every `interval` seconds, on a daemon thread.

    The object of the method is held weakly: a monitor ends when nobody else has its object.
    A call that raises is counted and logged the first time, and the next one is made as planned.

    Parameters
    ----------
    tick : bound method
        What to do.
    interval : float
        Seconds between the end of one call and the start of the next; may be assigned later.

    Attributes
    ----------
    ticks, failures : int
        Calls that returned, and calls that raised, over all starts.
    """

    def __init__(self, tick: Callable[[], object], interval: float, name: str) -> None:
        self.interval = interval
        self.ticks = 0
        self.failures = 0
        self._tick = weakref.WeakMethod(tick)
        self._name = name
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def running(self) -> bool:
        """Whether the thread lives; False in the child of a fork."""
        thread = self._thread
        return thread is not None and thread.is_alive() and not self._stop.is_set()

    @property
    def thread(self) -> threading.Thread | None:
        """The thread, while there is one."""
        return self._thread

    def start(self) -> bool:
        """Start the thread; False where it runs already."""
        with self._lock:
            if self.running:
                return False
            # An event of its own for each thread: stopping one can never stop or revive another.
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._stop,), name=self._name, daemon=True
            )
            self._thread.start()
            return True

    def stop(self) -> None:
        """Wake the thread and wait until it has ended; from the thread itself, only end it."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self, stop: threading.Event) -> None:
        while True:
            tick = self._tick()
            if tick is None:
                return
            try:
                tick()
                self.ticks += 1
            except Exception as error:  # noqa: BLE001 - a monitor must not take its host down
                self.failures += 1
                if self.failures == 1:
                    _LOG.warning(
                        "%s: a check failed and will be tried again: %r", self._name, error
                    )
            del tick
            if stop.wait(max(0.0, self.interval)):
                return
