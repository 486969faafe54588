"""Memory over time in bounded space: every reading of late, one a minute before that."""

from __future__ import annotations

from collections import deque
from typing import Any, TypedDict

_RECENT = 300
_COARSE_S = 60.0
_COARSE = 24 * 60


class Point(TypedDict):
    """One reading: seconds since the epoch, bytes, and live bytes by verdict."""

    time: float
    resident_bytes: float
    live: dict[str, float]


class History:
    """The last day of one process: at most 1,740 points."""

    def __init__(self) -> None:
        self._recent: deque[Point] = deque()
        self._old: deque[Point] = deque(maxlen=_COARSE)

    def add(self, point: Point) -> None:
        """Add a reading; one that is not newer than the last is passed over."""
        if self._recent and point["time"] <= self._recent[-1]["time"]:
            return
        self._recent.append(point)
        while len(self._recent) > _RECENT:
            oldest = self._recent.popleft()
            if not self._old or oldest["time"] - self._old[-1]["time"] >= _COARSE_S:
                self._old.append(oldest)

    def points(self) -> list[Point]:
        """Give what is kept, oldest first."""
        return [*self._old, *self._recent]


def live_by_verdict(sites: list[dict[str, Any]]) -> dict[str, float]:
    """Sum up the live bytes of sites."""
    sums: dict[str, float] = {}
    for site in sites:
        name = str(site["verdict"])
        sums[name] = sums.get(name, 0.0) + float(site["live_bytes"])
    return sums
