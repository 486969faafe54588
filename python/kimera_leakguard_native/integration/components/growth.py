"""Whether a component's memory grows, how fast, and how sure that is."""

from __future__ import annotations

import math
from collections import Counter, deque
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

KEPT = 64
FEWEST = 4
_SHORTEST_S = 1e-6


class Growth(NamedTuple):
    """Growth of one series.

    Attributes
    ----------
    per_s : float
        Median of the slopes between all pairs of readings (Theil and Sen), units a second.
    confidence : float
        That it rises: ``1 - 2 p`` of the one-sided test of Mann and Kendall, at least 0. A constant
        series, a sawtooth and noise have about 0.
    """

    per_s: float
    confidence: float


class Series:
    """The last readings of one figure; times may be apart as they like."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def add(self, seconds: float, value: float) -> None:
        """Add a reading taken at a time of the monotonic clock."""
        self._points.append((seconds, value))

    @property
    def newest(self) -> float:
        """The last value; 0 without any."""
        return self._points[-1][1] if self._points else 0.0

    def restart(self) -> None:
        """Forget all but the last reading: what was before an intervention says nothing now."""
        while len(self._points) > 1:
            self._points.popleft()

    def growth(self) -> Growth:
        """Estimate; no growth and no confidence from fewer than four readings."""
        count, newest = len(self._points), self.newest
        if count < FEWEST or all(value == newest for _, value in self._points):
            return Growth(0.0, 0.0)
        times, values = np.array(self._points, dtype=np.float64).T
        later, earlier = _pairs(count)
        rise = values[later] - values[earlier]
        apart = times[later] - times[earlier]
        usable = apart > _SHORTEST_S
        if not usable.any():
            return Growth(0.0, 0.0)
        slope = _median(rise[usable] / apart[usable])
        return Growth(max(0.0, slope), _rising(np.sign(rise).sum(), values))


@lru_cache(maxsize=KEPT)
def _pairs(count: int) -> tuple[np.ndarray[Any, np.dtype[np.intp]], ...]:
    return np.tril_indices(count, -1)


def _median(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    # numpy's own looks for NaNs and axes first, which costs more than this on so few.
    low, high = (len(values) - 1) // 2, len(values) // 2
    parted = np.partition(values, (low, high))
    return float(parted[low] + parted[high]) / 2


def _rising(score: float, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    if score <= 0:
        return 0.0
    count = len(values)
    variance = count * (count - 1) * (2 * count + 5)
    for ties in Counter(values.tolist()).values():
        variance -= ties * (ties - 1) * (2 * ties + 5)
    if variance <= 0:
        return 0.0
    z = (score - 1) / math.sqrt(variance / 18)
    return max(0.0, 1.0 - math.erfc(z / math.sqrt(2)))
