"""What a series of memory snapshots says: growth, its class, and how smooth the ride was."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

VOLATILE_VARIATION = 0.3
SLOPE_MB_PER_SAMPLE = 5.0
MIN_SPAN_S = 10.0
"""Growth over a shorter time is not led on to a minute: noise of milliseconds is no trend."""


def growth_mb_per_min(times_s: Sequence[float], values_mb: Sequence[float]) -> float:
    """Fit a straight line (least squares) and give its slope; 0 for less than `MIN_SPAN_S`."""
    if len(times_s) < 3 or times_s[-1] - times_s[0] < MIN_SPAN_S:
        return 0.0
    return 60.0 * _slope(times_s, values_mb)


def classify(values_mb: Sequence[float]) -> str:
    """Name the trend of a series.

    Returns
    -------
    str
        ``INSUFFICIENT_DATA`` below three values; ``VOLATILE`` where the population standard
        deviation is above 0.3 of the mean; ``INCREASING`` or ``DECREASING`` where the least-squares
        slope is beyond ±5 MB a sample; else ``STABLE``.
    """
    if len(values_mb) < 3:
        return "INSUFFICIENT_DATA"
    if _variation(values_mb) > VOLATILE_VARIATION:
        return "VOLATILE"
    slope = _slope(range(len(values_mb)), values_mb)
    if slope > SLOPE_MB_PER_SAMPLE:
        return "INCREASING"
    return "DECREASING" if slope < -SLOPE_MB_PER_SAMPLE else "STABLE"


def efficiency(values_mb: Sequence[float], hours: float, alerts: int, leaks: int) -> float:
    """Grade a series from 0 to 1.

    The mean of four parts, each cut off at 0 and 1: 1 - coefficient of variation;
    1 - |last - first| / hours / 100; 1 - alerts an hour / 10; 1 - 10 · leaks / snapshots.
    """
    if not values_mb:
        return 0.0
    span = max(hours, 1e-9)
    drift = abs(values_mb[-1] - values_mb[0]) / span / 100 if len(values_mb) > 1 else 0.0
    parts = (
        1 - _variation(values_mb),
        1 - drift,
        1 - alerts / span / 10 if alerts else 1.0,
        1 - 10 * leaks / len(values_mb),
    )
    return statistics.fmean(min(1.0, max(0.0, part)) for part in parts)


def _variation(values: Sequence[float]) -> float:
    mean = statistics.fmean(values)
    return statistics.pstdev(values, mean) / mean if mean > 0 else 0.0


def _slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    mean_x, mean_y = statistics.fmean(xs), statistics.fmean(ys)
    spread = math.fsum((x - mean_x) ** 2 for x in xs)
    if spread == 0:
        return 0.0
    return math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
