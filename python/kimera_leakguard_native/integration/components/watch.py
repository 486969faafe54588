"""Asking components without being hurt by them: what raises, blocks or dies is only noted."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Result = TypeVar("Result")


class StillBusyError(Exception):
    """A call has not come back in time, or an earlier one has not come back yet."""


class _Worker(Generic[Result]):
    """A thread that makes calls one after the other, until it is done or left behind."""

    def __init__(
        self,
        calls: deque[tuple[str, Callable[[], Result]]],
        results: dict[str, Result | Exception],
    ) -> None:
        self._calls = calls
        self._results = results
        self.current: tuple[str, float] | None = None
        self.left_behind = False
        self.thread = threading.Thread(target=self._run, name="klg-components", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.left_behind:
            try:
                name, call = self._calls.popleft()
            except IndexError:
                return
            self.current = (name, time.monotonic())
            outcome: Result | Exception
            try:
                outcome = call()
            except Exception as error:  # noqa: BLE001 - it is the caller's to judge
                outcome = error
            except BaseException as error:  # noqa: BLE001 - nor may an exit end our own thread
                outcome = RuntimeError(repr(error))
            if not self.left_behind:
                self._results[name] = outcome


class PatientCaller(Generic[Result]):
    """Makes calls by name that may raise or hang, all on one thread as long as none hangs.

    A thread whose call does not come back in time is left behind, and no call of that name is
    made before it has come back: so there are never more such threads than names.
    """

    def __init__(self) -> None:
        self._stuck: dict[str, threading.Thread] = {}

    def call_all(
        self, calls: Mapping[str, Callable[[], Result]], timeout_s: float
    ) -> dict[str, Result | Exception]:
        """Make every call, each for at most so many seconds.

        Returns
        -------
        dict
            By name what the call gave or raised; a `StillBusyError` where it is not back.
        """
        self._stuck = {name: each for name, each in self._stuck.items() if each.is_alive()}
        results: dict[str, Result | Exception] = {
            name: StillBusyError() for name in calls if name in self._stuck
        }
        waiting = deque((name, call) for name, call in calls.items() if name not in self._stuck)
        worker = _Worker(waiting, results)
        while worker.thread.is_alive():
            worker.thread.join(timeout_s / 4)
            current = worker.current
            if (
                worker.thread.is_alive()
                and current is not None
                and time.monotonic() - current[1] > timeout_s
                and current[0] not in results
            ):
                worker.left_behind = True
                self._stuck[current[0]] = worker.thread
                results[current[0]] = StillBusyError()
                worker = _Worker(waiting, results)
        return results
