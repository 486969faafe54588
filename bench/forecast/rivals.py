"""What people use to foresee that memory runs out: seconds until a line meets the limit."""

from __future__ import annotations

import bisect
import math
from typing import TYPE_CHECKING

from kimera_leakguard_native.runtime.forecast.lines import (
    Line,
    least_squares,
    segments,
    theil_sen,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Series = tuple["Sequence[float]", "Sequence[float]"]


def _until(line: Line, now: float, limit: float) -> float:
    level = line.value(now)
    if level >= limit:
        return 0.0
    return (limit - level) / line.slope if line.slope > 0 else math.inf


def _since(series: Series, seconds: float) -> Series:
    times, values = series
    begin = min(bisect.bisect_left(times, times[-1] - seconds), max(0, len(times) - 3))
    return times[begin:], values[begin:]


def predict_linear(series: Series, limit: float, horizon: float) -> float:
    """Prometheus's predict_linear over a range as long as the horizon, as most rules have it."""
    times, values = _since(series, horizon)
    return _until(least_squares(times, values), times[-1], limit)


def last_hour_slope(series: Series, limit: float, horizon: float) -> float:
    """Two points an hour apart, or a tenth of a shorter horizon."""
    times, values = _since(series, min(3600.0, horizon / 10))
    slope = (values[-1] - values[0]) / max(times[-1] - times[0], 1e-9)
    return _until(Line(slope, values[-1], times[-1]), times[-1], limit)


def ordinary_least_squares(series: Series, limit: float, _horizon: float) -> float:
    """Over all that has been seen."""
    return _until(least_squares(*series), series[0][-1], limit)


def theil_sen_all(series: Series, limit: float, _horizon: float) -> float:
    """Over all that has been seen, in forty parts."""
    return _until(theil_sen(*segments(*series, 40)), series[0][-1], limit)


RIVALS: dict[str, Callable[[Series, float, float], float]] = {
    "predict_linear": predict_linear,
    "last-hour slope": last_hour_slope,
    "OLS": ordinary_least_squares,
    "Theil-Sen": theil_sen_all,
}
