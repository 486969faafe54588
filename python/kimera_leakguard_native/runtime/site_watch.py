"""The verdicts of this process, judged again now and then, and read at any time at no cost."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

from kimera_leakguard_native.runtime import sampler
from kimera_leakguard_native.runtime.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kimera_leakguard_native.model.site import SiteVerdict
    from kimera_leakguard_native.runtime.snapshot import Snapshot

JUDGED_EVERY_S = 10.0


class SiteWatch:
    """Judges the sites of the sampler for everybody who wants to know.

    Parameters
    ----------
    interval : float
        Seconds between two judgements, once it is started.
    snapshot, verdicts : callable
        What gives them; the sampler of this process by default.

    Attributes
    ----------
    sites : sequence of SiteVerdict
        Of the last judgement, the fastest growing first; empty before it.
    snapshot : Snapshot or None
        Taken with it.
    """

    def __init__(
        self,
        interval: float = JUDGED_EVERY_S,
        snapshot: Callable[[], Snapshot] = sampler.snapshot,
        verdicts: Callable[[], Sequence[SiteVerdict]] = sampler.verdicts,
    ) -> None:
        self._take_snapshot = snapshot
        self._give_verdicts = verdicts
        self.sites: Sequence[SiteVerdict] = ()
        self.snapshot: Snapshot | None = None
        self._judged = -math.inf
        self._lock = threading.Lock()
        self._monitor = Monitor(self.judge, interval, "klg-site-watch")

    def judge(self) -> None:
        """Judge now."""
        with self._lock:
            self.snapshot = self._take_snapshot()
            self.sites = tuple(self._give_verdicts())
            self._judged = time.monotonic()

    def refresh(self, max_age: float) -> None:
        """Judge, unless that was done within the last seconds."""
        if time.monotonic() - self._judged > max_age:
            self.judge()

    def start(self) -> None:
        """Judge now and then on a thread; idempotent."""
        self._monitor.start()

    def stop(self) -> None:
        """End it at once."""
        self._monitor.stop()


_shared = SiteWatch()


def shared_site_watch() -> SiteWatch:
    """Give the watch of this process; whoever needs it to go on by itself starts it."""
    return _shared
