"""A forecast as the lines that the dashboard draws."""

from __future__ import annotations

import math
from typing import Any

_POINTS = 24
_MB = 2**20


def forecast_band(
    prediction: dict[str, Any] | None, now: float, resident_bytes: float
) -> dict[str, Any]:
    """Draw straight lines from now to the limit: at the expected time, and at the interval's ends.

    Parameters
    ----------
    prediction : dict or None
        As `PredictiveLeakDetector.predict_future_leaks` gives it.
    now : float
        Seconds since the epoch.

    Returns
    -------
    dict
        ``text``; and with a prediction ``times`` (seconds since the epoch), ``low``, ``middle``
        and ``high`` (bytes at these times, no higher than the limit), and ``limit_bytes``.
    """
    if prediction is None:
        return {"text": "No exhaustion in sight."}
    limit = prediction["memory_limit_mb"] * _MB
    expected = max(1.0, prediction["predicted_leak_time"] - now)
    latest = prediction["latest"] - now
    shown = min(latest, 3.0 * expected) if math.isfinite(latest) else 3.0 * expected
    steps = [shown * number / (_POINTS - 1) for number in range(_POINTS)]

    def line(until: float) -> list[float]:
        rate = (limit - resident_bytes) / until if math.isfinite(until) else 0.0
        return [min(limit, resident_bytes + rate * step) for step in steps]

    return {
        "text": (
            f"The limit of {prediction['memory_limit_mb']:.0f} MB is reached in about "
            f"{expected / 60:.0f} min, with probability {prediction['confidence']:.2f}."
        ),
        "times": [now + step for step in steps],
        "low": line(max(1.0, latest)),
        "middle": line(expected),
        "high": line(max(1.0, prediction["earliest"] - now)),
        "limit_bytes": limit,
    }
