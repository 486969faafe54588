"""When a series will reach a limit: a line over a window that a back-test has chosen.

No window is right for all series: the whole history wins where growth is steady or follows the
load, its last part where growth has begun late or accelerates. So each is tried on the past: fitted
up to several cuts, and held against what came after.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.runtime.forecast.lines import Line, segments, theil_sen

if TYPE_CHECKING:
    from collections.abc import Sequence

WINDOWS = (1.0, 0.5, 0.25)
"""Shares of the history that a line may be fitted to."""

CUTS = (0.55, 0.65, 0.75, 0.85)
"""Shares of the history at which the past is cut for the back-test."""

MIN_POINTS = 12
MAX_REACH = 2.0
"""Forecasts beyond so many times the history are not made."""

RESTART_DROP = 0.3
"""A fall by this share of the range within one step of the series begins a new history."""

PREFER = 0.85
"""A shorter window must have less than this share of the error of a longer one."""

SPREAD = 1.9
"""Errors on each side that the interval spans; `bench/score_forecast.py` prints what it covers."""

_SEGMENTS = 40


@dataclass(frozen=True, slots=True)
class Outlook:
    """A forecast, and what it rests on.

    Attributes
    ----------
    seconds : float
        Until the limit is reached; infinite where it is not within reach.
    low, high : float
        Between which it lies with a probability of about 0.8.
    rate : float
        Units of the series per second.
    history : float
        Seconds that the forecast rests on, since the last restart.
    window : float
        Share of the history that was fitted.
    error : float
        Mean error of the back-test, as a share of the growth forecast; large means no trend.
    bend : float
        Slope of the last half over that of the whole history, cut off at 0 and 4.
    headroom : float
        What is left, as a share of the limit.
    fallback : float
        The deepest fall from a peak before, as a share of the range; 0 for what only grows.
    peak : float
        How far the highest value ever, before a restart too, is above the present one, as a share
        of the limit: a height that was reached before without harm.
    """

    seconds: float
    low: float
    high: float
    rate: float
    history: float
    window: float
    error: float
    bend: float
    headroom: float
    fallback: float
    peak: float


def outlook(
    times: Sequence[float],
    values: Sequence[float],
    limit: float,
    site_rate: float | None = None,
) -> Outlook | None:
    """Forecast when a series reaches a limit.

    Parameters
    ----------
    times, values : sequence of float
        Seconds in ascending order, and what is used, in the unit of `limit`.
    site_rate : float, optional
        Sum of the growth rates of the sites that leak, in the same unit per second. It is used
        where the back-test finds no line that fits: noise of the whole process does not touch it.

    Returns
    -------
    Outlook or None
        None for fewer than `MIN_POINTS` points since the last restart.
    """
    highest = max(values, default=0.0)
    begin = _last_restart(values)
    times, values = times[begin:], values[begin:]
    if len(times) < MIN_POINTS or times[-1] <= times[0] or limit <= 0:
        return None
    history = times[-1] - times[0]
    xs, ys = segments(times, values, _SEGMENTS)
    window, errors, reach = _back_test(xs, ys)
    line = _fit(xs, ys, len(xs), window)
    now = times[-1]
    tail = max(3, len(values) // 20)
    level = statistics.median(
        v + line.slope * (now - t) for t, v in zip(times[-tail:], values[-tail:], strict=True)
    )
    growth = abs(line.slope) * history
    error = errors / max(growth * reach, 1e-9 * limit)
    rate = line.slope
    if site_rate is not None and site_rate > 0 and error > 0.5:
        rate = site_rate
    headroom = limit - level
    per_second = errors / (reach * history) if reach > 0 else 0.0
    noise = _noise(xs, ys, line)
    half = _fit(xs, ys, len(xs), 0.5)
    whole = _fit(xs, ys, len(xs), 1.0)
    step = history / (len(times) - 1)  # nobody looks in between
    # Growth that has bent may bend further, or have bent by chance.
    fastest, slowest = max(rate, half.slope), min(rate, whole.slope, half.slope)
    return Outlook(
        seconds=_crossing(headroom, rate, history),
        low=max(0.0, _crossing(headroom - noise, fastest + SPREAD * per_second, history) - step),
        high=_crossing(headroom + noise, slowest - SPREAD * per_second, history) + step,
        rate=rate,
        history=history,
        window=window,
        error=min(error, 100.0),
        bend=min(4.0, max(0.0, half.slope / whole.slope)) if whole.slope > 0 else 0.0,
        headroom=max(0.0, headroom / limit),
        fallback=_deepest_fall(ys),
        peak=max(0.0, (highest - level) / limit),
    )


def _crossing(headroom: float, rate: float, history: float) -> float:
    if headroom <= 0:
        return 0.0
    if rate <= 0:
        return math.inf
    seconds = headroom / rate
    return seconds if seconds <= MAX_REACH * history else math.inf


def _last_restart(values: Sequence[float]) -> int:
    """Find where the series begins anew: after its last great fall that it has not made up for."""
    span = max(values, default=0.0) - min(values, default=0.0)
    if span <= 0:
        return 0
    low = math.inf
    for index in range(len(values) - 1, 0, -1):
        low = min(low, values[index])
        fell = values[index - 1] - values[index]
        if fell > RESTART_DROP * span and values[index] <= 0.6 * values[index - 1]:
            # A collector's sawtooth falls again and again to where it was before.
            earlier = min(values[:index])
            if values[index] <= earlier + 0.1 * span or index < len(values) // 2:
                return index if len(values) - index >= MIN_POINTS else 0
    return 0


def _fit(xs: Sequence[float], ys: Sequence[float], end: int, window: float) -> Line:
    begin = bisect_left(xs, xs[end - 1] - window * (xs[end - 1] - xs[0]), 0, end)
    begin = min(begin, max(0, end - 5))
    return theil_sen(xs[begin:end], ys[begin:end])


def _back_test(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float, float]:
    """Choose the window; give its mean error, and the mean reach of the tests in histories."""
    number = len(xs)
    history = xs[-1] - xs[0]
    best = (1.0, math.inf, 1.0)
    for window in WINDOWS:
        errors, reaches = [], []
        for cut in CUTS:
            end = max(5, round(cut * number))
            if end >= number - 1:
                continue
            line = _fit(xs, ys, end, window)
            last = ys[-max(2, number // 12) :]
            target = statistics.fmean(last)
            at = statistics.fmean(xs[-len(last) :])
            here = statistics.fmean(ys[max(0, end - 3) : end])
            predicted = here + line.slope * (at - statistics.fmean(xs[max(0, end - 3) : end]))
            errors.append(abs(predicted - target))
            reaches.append((at - xs[end - 1]) / history)
        if errors and statistics.fmean(errors) < PREFER * best[1]:
            best = (window, statistics.fmean(errors), statistics.fmean(reaches))
    return best if math.isfinite(best[1]) else (1.0, 0.0, 1.0)


def _noise(xs: Sequence[float], ys: Sequence[float], line: Line) -> float:
    residuals = [abs(y - line.value(x)) for x, y in zip(xs, ys, strict=True)]
    tail = residuals[len(residuals) // 2 :]
    return 1.4826 * statistics.median(tail)


def _deepest_fall(ys: Sequence[float]) -> float:
    peak, deepest = ys[0], 0.0
    for value in ys:
        peak = max(peak, value)
        deepest = max(deepest, peak - value)
    span = max(ys) - min(ys)
    return deepest / span if span > 0 else 0.0
