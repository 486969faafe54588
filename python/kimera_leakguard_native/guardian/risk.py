"""How likely what is seen now is a leak, as one figure from 0 to 1."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_Curve = tuple[tuple[float, float], ...]

# The steps of the historic table, joined by straight lines and led on to 1.
_GROWTH: _Curve = ((0, 0), (20, 0.2), (50, 0.5), (100, 0.8), (200, 1))
_ACTIVE: _Curve = ((0, 0), (10_000, 0.2), (20_000, 0.4), (50_000, 0.7), (200_000, 1))
_GPU: _Curve = ((0, 0), (500, 0.3), (1_000, 0.6), (4_000, 1))
_INEFFICIENCY: _Curve = ((0.1, 0), (0.2, 0.3), (0.3, 0.5), (1, 1))
_DEPTH: _Curve = ((0, 0), (50, 0.2), (100, 0.4), (1_000, 1))

NEUTRAL_SENSITIVITY = 0.8


def risk_score(
    *,
    growth_mb_per_min: float = 0.0,
    active_allocations: float = 0,
    gpu_memory_mb: float = 0.0,
    memory_efficiency: float = 1.0,
    call_depth: float = 0,
    sensitivity: float = NEUTRAL_SENSITIVITY,
) -> float:
    """Join the signs of a leak into one score.

    Each sign gives a factor f in [0, 1] that grows with it along a curve through the historic
    table's steps, for example 0.2, 0.5 and 0.8 at 20, 50 and 100 MB/min of growth. The score is
    ``1 - (product of (1 - f)) ** (sensitivity / 0.8)``.

    Unlike a mean, one strong sign is enough (growth of 100 MB/min alone scores 0.8), a further sign
    never lowers the score, and it lies in [0, 1] for every input. It is not a probability.

    Parameters
    ----------
    growth_mb_per_min, gpu_memory_mb : float
        In units of 2**20 bytes.
    memory_efficiency : float
        Used share of reserved memory in [0, 1]; 1 where it is not known.
    sensitivity : float
        0 never sees a risk, 0.8 takes the factors as they are, above it sees more.
    """
    clear = 1.0
    for curve, value in (
        (_GROWTH, growth_mb_per_min),
        (_ACTIVE, active_allocations),
        (_GPU, gpu_memory_mb),
        (_INEFFICIENCY, 1.0 - memory_efficiency),
        (_DEPTH, call_depth),
    ):
        clear *= 1.0 - _along(curve, value)
    return float(1.0 - clear ** (max(0.0, sensitivity) / NEUTRAL_SENSITIVITY))


def _along(curve: Sequence[tuple[float, float]], value: float) -> float:
    if not value > curve[0][0]:  # also for a value that is not a number
        return 0.0
    if value >= curve[-1][0]:
        return 1.0
    at = bisect_right([x for x, _ in curve], value)
    (x0, y0), (x1, y1) = curve[at - 1], curve[at]
    return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
