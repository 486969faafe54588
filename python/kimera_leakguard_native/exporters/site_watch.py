"""The verdicts of this process, judged again now and then, and read at any time at no cost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kimera_leakguard_native.runtime import sampler
from kimera_leakguard_native.runtime.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimera_leakguard_native.model.site import SiteVerdict
    from kimera_leakguard_native.runtime.snapshot import Snapshot

JUDGED_EVERY_S = 10.0


class SiteWatch:
    """Judges the sites of the sampler on a thread of its own, so that no scrape has to.

    Parameters
    ----------
    interval : float
        Seconds between two judgements.

    Attributes
    ----------
    sites : sequence of SiteVerdict
        Of the last judgement, the fastest growing first; empty before it.
    snapshot : Snapshot or None
        Taken with it.
    """

    def __init__(self, interval: float = JUDGED_EVERY_S) -> None:
        self.sites: Sequence[SiteVerdict] = ()
        self.snapshot: Snapshot | None = None
        self._monitor = Monitor(self.judge, interval, "klg-site-watch")

    def judge(self) -> None:
        """Judge now."""
        self.snapshot = sampler.snapshot()
        self.sites = tuple(sampler.verdicts())

    def start(self) -> None:
        """Begin to judge; idempotent."""
        self._monitor.start()

    def stop(self) -> None:
        """End it at once."""
        self._monitor.stop()


_lock = threading.Lock()
_shared: SiteWatch | None = None


def shared_site_watch() -> SiteWatch:
    """Give the watch of this process, started when it is first asked for."""
    global _shared  # noqa: PLW0603 - one judgement is enough for all who read it
    with _lock:
        if _shared is None:
            _shared = SiteWatch()
        _shared.start()
        return _shared
