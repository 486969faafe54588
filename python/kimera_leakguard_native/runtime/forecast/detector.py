"""`PredictiveLeakDetector`: says beforehand that memory will run out."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.model.guardian import MemorySnapshot
from kimera_leakguard_native.runtime.forecast.coefficients import TRAINED
from kimera_leakguard_native.runtime.forecast.limits import memory_limit
from kimera_leakguard_native.runtime.forecast.outlook import MIN_POINTS, outlook
from kimera_leakguard_native.runtime.forecast.training import features, train
from kimera_leakguard_native.runtime.timeline import Point, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.model.site import SiteVerdict
    from kimera_leakguard_native.runtime.forecast.logistic import Logistic
    from kimera_leakguard_native.runtime.forecast.traces import Trace

_MB = 2**20

ALARM = 0.8
"""Probability from which on a prediction is made."""

ACTION = "preemptive_optimization"


@dataclass(frozen=True, slots=True)
class _Reading:
    time: float
    used_mb: float
    limit_mb: float | None
    site_rate: float | None


class PredictiveLeakDetector:
    """Forecasts when the memory of this process, or of a series given, will be exhausted.

    Parameters
    ----------
    horizon_s : float
        The probability is that of running out within so many seconds, or within a time as long
        as the history that the forecast rests on, where that is shorter.
    limit_mb : float, optional
        In units of 2**20 bytes. By default what the process uses and what its control group, or
        the machine, has left.

    Attributes
    ----------
    memory_growth_patterns : list of Trace
        Labelled traces of one's own; `train_prediction_model` learns from them.
    leak_prediction_model : Logistic
        Gives the probability from the features of an outlook.
    """

    def __init__(self, horizon_s: float = 3600.0, limit_mb: float | None = None) -> None:
        if not horizon_s > 0:
            raise ValueError(f"horizon_s: expected seconds > 0, got {horizon_s}")
        if limit_mb is not None and not limit_mb > 0:
            raise ValueError(f"limit_mb: expected a size > 0, got {limit_mb}")
        self.horizon_s = horizon_s
        self.limit_mb = limit_mb
        self.memory_growth_patterns: list[Trace] = []
        self._series = Timeline()
        self._lock = threading.Lock()
        self.leak_prediction_model = self.train_prediction_model()

    def train_prediction_model(self) -> Logistic:
        """Give the model that comes with the package, or one trained on one's own traces too.

        With traces in `memory_growth_patterns` it is fitted anew, to them and to simulated ones,
        which takes some seconds; the result becomes `leak_prediction_model`.
        """
        if self.memory_growth_patterns:
            from kimera_leakguard_native.runtime.forecast.traces import training_traces

            self.leak_prediction_model = train(
                [*training_traces(per_kind=20), *self.memory_growth_patterns]
            )
        else:
            self.leak_prediction_model = TRAINED
        return self.leak_prediction_model

    def predict_future_leaks(self, current_metrics: Any) -> dict[str, Any] | None:
        """Predict whether memory runs out within the horizon.

        Parameters
        ----------
        current_metrics : MemorySnapshot, mapping, number, or sequence of these
            One reading is added to those given before; a sequence is a history of its own. A
            mapping has ``process_memory_mb`` (or ``memory_usage_mb``), and may have ``timestamp``
            (datetime, or seconds since the epoch; now by default), ``memory_limit_mb``, and
            ``sites``, verdicts whose leaks' growth is summed up. A number is the size in MB.

        Returns
        -------
        dict or None
            None where the probability is at most 0.8 or there is too little history. Else
            ``predicted_leak_time`` (seconds since the epoch), ``confidence`` (the probability),
            ``recommended_action``, and what they rest on: ``earliest`` and ``latest`` (an interval
            that holds the time in four of five cases; `latest` may be infinite),
            ``growth_mb_per_min``, ``memory_limit_mb``, ``horizon_s``.
        """
        if isinstance(current_metrics, Sequence) and not isinstance(current_metrics, (str, bytes)):
            readings = [_reading(each, None) for each in current_metrics]
            readings.sort(key=lambda each: each.time)
            if not readings:
                return None
            times = [each.time for each in readings]
            values = [each.used_mb for each in readings]
            return self._predict(times, values, readings[-1])
        reading = _reading(current_metrics, time.time())
        with self._lock:
            last = self._series.points[-1].time if self._series.points else -math.inf
            if reading.time > last:
                self._series.add(Point(reading.time, 0.0, round(reading.used_mb * _MB)))
            points = list(self._series.points)
        return self._predict([p.time for p in points], [p.rss / _MB for p in points], reading)

    def _predict(
        self, times: Sequence[float], values: Sequence[float], last: _Reading
    ) -> dict[str, Any] | None:
        if len(times) < MIN_POINTS:
            return None
        limit = self._limit(values[-1], last)
        if limit is None:
            return None
        seen = outlook(times, values, limit, last.site_rate)
        if seen is None:
            return None
        horizon = min(self.horizon_s, seen.history)
        chance = self.leak_prediction_model.probability(features(seen, horizon))
        if chance <= ALARM:
            return None
        now = times[-1]
        # The probability may rest on the interval where the line itself does not reach the limit.
        expected = seen.seconds if math.isfinite(seen.seconds) else horizon
        return {
            "predicted_leak_time": now + expected,
            "confidence": chance,
            "recommended_action": ACTION,
            "earliest": now + min(seen.low, expected),
            "latest": now + max(seen.high, expected),
            "growth_mb_per_min": seen.rate * 60.0,
            "memory_limit_mb": limit,
            "horizon_s": horizon,
        }

    def _limit(self, used_mb: float, last: _Reading) -> float | None:
        given = last.limit_mb if last.limit_mb is not None else self.limit_mb
        if given is not None:
            return given
        known = memory_limit()
        # What is left is shared with the group or the machine; it is this process that grows.
        return used_mb + (known.limit - known.used) / _MB if known.limit else None


def _reading(metrics: Any, now: float | None) -> _Reading:
    if isinstance(metrics, MemorySnapshot):
        return _Reading(metrics.timestamp.timestamp(), metrics.process_memory_mb, None, None)
    if isinstance(metrics, bool):
        raise TypeError("current_metrics: expected a size in MB, got a bool")
    if isinstance(metrics, (int, float)):
        if now is None:
            raise TypeError("current_metrics: a history needs a timestamp with each reading")
        return _Reading(now, _size("current_metrics", metrics), None, None)
    if not isinstance(metrics, Mapping):
        raise TypeError(
            "current_metrics: expected a MemorySnapshot, a mapping, a size in MB or a sequence of"
            f" these, got {type(metrics).__name__}"
        )
    for name in ("process_memory_mb", "memory_usage_mb"):
        if name in metrics:
            used = _size(name, metrics[name])
            break
    else:
        raise ValueError("current_metrics: no process_memory_mb in it")
    limit = metrics.get("memory_limit_mb")
    return _Reading(
        _time(metrics.get("timestamp", now)),
        used,
        None if limit is None else _size("memory_limit_mb", limit),
        _site_rate(metrics.get("sites")),
    )


def _time(stamp: Any) -> float:
    if isinstance(stamp, datetime):
        return stamp.timestamp()
    if isinstance(stamp, (int, float)) and math.isfinite(stamp):
        return float(stamp)
    raise TypeError(f"timestamp: expected a datetime or seconds since the epoch, got {stamp!r}")


def _size(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected a size in MB, got {value!r}")
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name}: expected a size in MB >= 0, got {value!r}")
    return float(value)


def _site_rate(sites: Iterable[SiteVerdict] | None) -> float | None:
    """Sum up the growth of sites that leak, in MB per second; None where none are given."""
    if sites is None:
        return None
    rates = (one.growth_bytes_per_s for one in sites if one.verdict in {"leak", "native"})
    return math.fsum(rates) / _MB
