"""Examples from labelled traces, and the model that they make."""

from __future__ import annotations

import bisect
import math
from typing import TYPE_CHECKING

from kimera_leakguard_native.runtime.forecast import logistic
from kimera_leakguard_native.runtime.forecast.outlook import MAX_REACH, Outlook, outlook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kimera_leakguard_native.runtime.forecast.traces import Trace

LOOKS = (0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95)
"""Shares of a trace, up to its exhaustion or end, at which it is looked at."""

HORIZONS = (0.1, 0.25, 0.5, 1.0)
"""Horizons of the examples, as shares of the history at the look."""

_FAR = math.log(20.0)


def features(seen: Outlook, horizon: float) -> tuple[float, ...]:
    """Describe an outlook for one horizon, in seconds, independently of any unit."""
    most = MAX_REACH * seen.history

    def log_share(seconds: float) -> float:
        reach = min(seconds, 2.0 * most)
        return max(-_FAR, min(_FAR, math.log(max(reach, 1e-9) / horizon)))

    expected, low, high = (log_share(each) for each in (seen.seconds, seen.low, seen.high))
    return (
        expected,
        low,
        high,
        max(0.0, -expected),
        math.log10(max(0.1, min(100.0, seen.error))),
        seen.bend,
        seen.headroom,
        max(-_FAR, min(_FAR, math.log(horizon / seen.history))),
        1.0 if math.isinf(seen.seconds) else 0.0,
        seen.fallback,
        min(seen.peak, 0.3),
        1.0 if seen.peak > 0.02 else 0.0,
    )


def examples(trace: Trace) -> Iterator[tuple[tuple[float, ...], bool]]:
    """Give the features at each look and horizon, and whether memory ran out within it."""
    end = trace.exhausted if trace.exhausted is not None else trace.times[-1]
    for look in LOOKS:
        now = trace.times[0] + look * (end - trace.times[0])
        count = bisect.bisect_right(trace.times, now)
        seen = outlook(trace.times[:count], trace.values[:count], trace.limit)
        if seen is None:
            continue
        for share in HORIZONS:
            horizon = share * seen.history
            if trace.exhausted is None and now + horizon > trace.times[-1]:
                continue  # nobody knows
            runs_out = trace.exhausted is not None and trace.exhausted <= now + horizon
            yield features(seen, horizon), runs_out


def train(traces: Iterable[Trace]) -> logistic.Logistic:
    """Fit the model to labelled traces.

    Raises
    ------
    ValueError
        There is not one example of either outcome.
    """
    rows, labels = [], []
    for trace in traces:
        for row, label in examples(trace):
            rows.append(row)
            labels.append(label)
    if not any(labels) or all(labels):
        raise ValueError("training needs traces that run out of memory and traces that do not")
    return logistic.fit(rows, labels)
