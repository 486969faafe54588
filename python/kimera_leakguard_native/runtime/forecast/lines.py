"""Straight lines through memory over time: segments of a series, and two ways to fit them."""

from __future__ import annotations

import itertools
import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Line(NamedTuple):
    """value = level + slope · (time - at)."""

    slope: float
    level: float
    at: float

    def value(self, time: float) -> float:
        """Give the value at a time."""
        return self.level + self.slope * (time - self.at)


def segments(
    times: Sequence[float], values: Sequence[float], count: int
) -> tuple[list[float], list[float]]:
    """Give the median time and value of `count` parts with equally many points, or all points."""
    number = len(times)
    if number <= count:
        return list(times), list(values)
    bounds = [round(k * number / count) for k in range(count + 1)]
    parts = list(itertools.pairwise(bounds))
    return (
        [statistics.median(times[a:b]) for a, b in parts],
        [statistics.median(values[a:b]) for a, b in parts],
    )


def theil_sen(times: Sequence[float], values: Sequence[float]) -> Line:
    """Fit by the median of all pairwise slopes, which a quarter of outliers cannot move far.

    Notes
    -----
    Theil 1950, Sen 1968; the level is the median of value - slope · time.
    """
    slopes = [
        (values[j] - values[i]) / (times[j] - times[i])
        for i in range(len(times))
        for j in range(i + 1, len(times))
        if times[j] > times[i]
    ]
    slope = statistics.median(slopes) if slopes else 0.0
    at = times[-1]
    level = statistics.median(v - slope * (t - at) for t, v in zip(times, values, strict=True))
    return Line(slope, level, at)


def least_squares(times: Sequence[float], values: Sequence[float]) -> Line:
    """Fit by ordinary least squares."""
    mean_t, mean_v = statistics.fmean(times), statistics.fmean(values)
    spread = sum((t - mean_t) ** 2 for t in times)
    slope = (
        sum((t - mean_t) * (v - mean_v) for t, v in zip(times, values, strict=True)) / spread
        if spread > 0
        else 0.0
    )
    return Line(slope, mean_v, mean_t)
