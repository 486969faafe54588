"""How likely components are to exhaust their memory soon, thousands at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

HORIZON_S = 3600.0
"""Seconds to exhaustion at which a certain leak has a risk of one half."""


def leak_risks(
    growth_bytes_per_s: ArrayLike,
    headroom_bytes: ArrayLike,
    confidence: ArrayLike = 1.0,
    *,
    horizon_s: float = HORIZON_S,
) -> NDArray[np.float64]:
    """Score leaks by the time that they leave.

    With g the growth, h the headroom, H the horizon and c the confidence that it is a leak, the
    risk is ``c * g * H / (g * H + h)``, which is c / (1 + t / H) for t = h / g seconds to
    exhaustion. So it is 0 without growth, c / 2 at the horizon, c with no headroom left, and rises
    with growth and with shortage of headroom.

    Parameters
    ----------
    growth_bytes_per_s : array_like
        Shape (n,); negative growth counts as none.
    headroom_bytes : array_like
        Bytes until the limit, shape (n,) or a number; negative counts as none left.
    confidence : array_like
        That the growth is a leak, in [0, 1].
    horizon_s : float
        Seconds, above 0.

    Returns
    -------
    array
        Risks in [0, 1], shape (n,), float64.

    Raises
    ------
    ValueError
        A NaN, a confidence outside [0, 1], shapes that do not go together, or no positive horizon.
    """
    growth, headroom, certain = (
        _floats(name, values)
        for name, values in (
            ("growth_bytes_per_s", growth_bytes_per_s),
            ("headroom_bytes", headroom_bytes),
            ("confidence", confidence),
        )
    )
    if not horizon_s > 0 or not np.isfinite(horizon_s):
        raise ValueError(f"horizon_s: expected a positive number, got {horizon_s}")
    if certain.size and (certain.min() < 0.0 or certain.max() > 1.0):
        raise ValueError("confidence: expected numbers in [0, 1]")
    demand = np.maximum(growth, 0.0) * horizon_s
    total = demand + np.maximum(headroom, 0.0)
    endless = np.isinf(np.broadcast_to(demand, total.shape))
    bounded = (total > 0) & ~endless
    share = np.divide(demand, total, out=endless.astype(np.float64), where=bounded)
    return certain * share


def _floats(name: str, values: Any) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if np.isnan(found).any():
        raise ValueError(f"{name}: holds a NaN")
    return np.atleast_1d(found)
