"""Asks the agents of all processes now and then, and keeps what they said."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.dashboard.findings import FindingsOfSites
from kimera_leakguard_native.dashboard.history import History, live_by_verdict
from kimera_leakguard_native.errors import LeakGuardError
from kimera_leakguard_native.runtime.agent import client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kimera_leakguard_native.dashboard.source import SourceRoots

_LOG = logging.getLogger(__name__)
_WITH_STACKS = 200
_ENDED_KEPT_S = 3600.0
_MOST_ENDED = 20


class _Process:
    """What is known of one process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.history = History()
        self.said: dict[str, Any] = {}
        self.ended: float | None = None

    def take(self, answer: dict[str, Any]) -> None:
        sites = answer.get("sites", {})
        rows = sites.get("sites", [])
        about = answer["process"]
        self.history.add(
            {
                "time": float(about["time"]),
                "resident_bytes": float(about["resident_bytes"]),
                "live": live_by_verdict(rows),
            }
        )
        for row in rows[_WITH_STACKS:]:
            row["stack"] = []
        self.said = answer
        self.ended = None


class Poller:
    """The state of all processes, asked for every few seconds.

    Parameters
    ----------
    pids : sequence of int
        Processes to ask; all that can be by default.
    interval : float
        Seconds between two rounds.
    roots : SourceRoots
        Folders whose files may be analysed for findings.
    """

    def __init__(
        self,
        pids: Sequence[int] = (),
        *,
        interval: float = 3.0,
        roots: SourceRoots | None = None,
        ask: Callable[[int], dict[str, Any]] = client.ask,
        listed: Callable[[], list[int]] = client.processes,
    ) -> None:
        self._pids = list(pids)
        self._interval = interval
        self._ask = ask
        self._listed = listed
        self._known: dict[int, _Process] = {}
        self._findings = FindingsOfSites(roots) if roots else None
        self._changed = asyncio.Condition()
        self.version = 0

    def state(self) -> dict[str, Any]:
        """Give what the page shows."""
        rows = sorted(self._known.values(), key=lambda each: (each.ended is not None, each.pid))
        return {"version": 1, "processes": [self._shown(each) for each in rows if each.said]}

    def _shown(self, known: _Process) -> dict[str, Any]:
        about = known.said["process"]
        return {
            **{name: known.said[name] for name in _SECTIONS if name in known.said},
            "pid": known.pid,
            "name": about["name"],
            "alive": known.ended is None,
            "resident_bytes": about["resident_bytes"],
            "headroom_bytes": about["headroom_bytes"],
            "history": known.history.points(),
            "findings": self._findings.of(known.pid) if self._findings else [],
        }

    async def newer(self, version: int, patience_s: float) -> bool:
        """Wait until there is something newer than a version; False where that takes too long."""
        async with self._changed:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(
                    self._changed.wait_for(lambda: self.version > version), patience_s
                )
        return self.version > version

    async def run(self) -> None:
        """Ask until cancelled."""
        failed = False
        while True:
            try:
                await self.round()
            except Exception:  # noqa: BLE001 - the next round may succeed
                if not failed:
                    _LOG.exception("asking the processes failed and will be tried again")
                failed = True
            await asyncio.sleep(self._interval)

    async def round(self) -> None:
        """Ask every process once."""
        pids = self._pids or await asyncio.to_thread(self._listed)
        answers = await asyncio.gather(*(asyncio.to_thread(self._safely, pid) for pid in pids))
        now = time.time()
        for pid, answer in zip(pids, answers, strict=True):
            if answer is not None:
                known = self._known.setdefault(pid, _Process(pid))
                known.take(answer)
                if self._findings:
                    await self._findings.look(pid, answer)
        gone = [pid for pid, answer in zip(pids, answers, strict=True) if answer is None]
        for pid in [*gone, *(set(self._known) - set(pids))]:
            if pid in self._known and self._known[pid].ended is None:
                self._known[pid].ended = now
        self._forget_old(now)
        async with self._changed:
            self.version += 1
            self._changed.notify_all()

    def _safely(self, pid: int) -> dict[str, Any] | None:
        try:
            answer = self._ask(pid)
        except LeakGuardError:
            return None
        return answer if "process" in answer and "error" not in answer["process"] else None

    def _forget_old(self, now: float) -> None:
        ended = sorted(
            (each.ended, pid) for pid, each in self._known.items() if each.ended is not None
        )
        for number, (when, pid) in enumerate(ended):
            if now - when > _ENDED_KEPT_S or number < len(ended) - _MOST_ENDED:
                del self._known[pid]
                if self._findings:
                    self._findings.forget(pid)


_SECTIONS = ("sites", "components", "pools", "alerts", "recoveries", "forecast")
