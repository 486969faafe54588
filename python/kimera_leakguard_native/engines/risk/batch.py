"""The six risks of many trades at once, over arrays; the same numbers as one by one."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from kimera_leakguard_native.engines.risk import factors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_BINS = 10


class RiskFactors:
    """Arrays of shape (n,), float64, one entry a trade.

    Attributes
    ----------
    thermal, volatility, correlation, liquidity, market : array
        Risks in [0, 1].
    score : array
        Their weighted sum with the cognitive risk, in [0, 1].
    swing : array
        Volatility as given.
    """

    def __init__(
        self,
        markets: Sequence[Mapping[str, Any]],
        values: Floats,
        cognitive: Floats,
        portfolio: factors.Portfolio,
    ) -> None:
        swing = _column(markets, "volatility", factors.VOLATILITY, least=0.0)
        volume = _column(markets, "volume", 0.0, least=0.0)
        average = _column(markets, "avg_volume", volume, least=0.0)
        momentum = np.abs(_column(markets, "momentum", 0.0))
        disorder = 0.5 * (
            entropies([data.get("price_changes") for data in markets])
            + entropies([data.get("volume_changes") for data in markets])
        )
        temperature = swing * np.log1p(volume / 1e6) * (1.0 + 0.5 * momentum)
        lack = 1.0 - factors.efficiency(portfolio)
        self.swing = swing
        self.thermal = _clamp(0.4 * temperature + 0.4 * disorder + 0.2 * lack)
        self.volatility = np.minimum(1.0, 20.0 * swing)
        self.correlation = _correlations(values, portfolio)
        self.liquidity = _clamp(1.0 - volume / np.maximum(average, 1.0))
        self.market = np.minimum(1.0, 0.5 * momentum)
        parts = (
            self.thermal,
            cognitive,
            self.volatility,
            self.correlation,
            self.liquidity,
            self.market,
        )
        total = np.zeros(len(markets))
        for weight, part in zip(factors.WEIGHTS, parts, strict=True):
            total += weight * part
        self.score = _clamp(total)


def _column(
    markets: Sequence[Mapping[str, Any]],
    key: str,
    default: float | Floats,
    *,
    least: float = -np.inf,
) -> Floats:
    given = [data.get(key) for data in markets]
    found: Floats = np.array(given, dtype=np.float64)  # None becomes NaN
    absent = np.fromiter((value is None for value in given), dtype=np.bool_, count=len(given))
    found = np.where(absent, default, found)
    if not ((found >= least) & (found < np.inf)).all():
        raise ValueError(f"market_data[{key!r}]: not finite, or too small")
    return found


def entropies(series: Sequence[Sequence[float] | None]) -> Floats:
    """Give `factors.entropy` of every series, of any lengths; None counts as an empty one.

    Raises
    ------
    ValueError
        A value is not a finite number, or no ten bins lie between the smallest and the largest.
    """
    result = np.ones(len(series))
    held = [() if values is None else values for values in series]
    lengths = np.fromiter(map(len, held), dtype=np.int64, count=len(held))
    flat = np.fromiter(chain.from_iterable(held), dtype=np.float64, count=int(lengths.sum()))
    if not np.isfinite(flat).all():
        raise ValueError("changes: expected finite numbers only")
    rows = np.flatnonzero(lengths >= 2)
    if not len(rows):
        return result
    kept = lengths[rows]
    flat = flat[np.repeat(lengths >= 2, lengths)]
    starts = np.concatenate(([0], np.cumsum(kept)[:-1]))
    low: Any = np.minimum.reduceat(flat, starts)
    high: Any = np.maximum.reduceat(flat, starts)
    even = low == high
    low = np.where(even, low - 0.5, low)
    high = np.where(even, high + 0.5, high)
    with np.errstate(over="ignore"):
        width = (high - low) / _BINS
    wrong = np.flatnonzero(~np.isfinite(width) | (width == 0.0))
    if len(wrong):
        at = wrong[0]
        raise ValueError(f"changes between {low[at]} and {high[at]}: no ten bins lie between these")
    owner = np.repeat(np.arange(len(rows)), kept)
    bins = _bins(flat, low[owner], high[owner], width[owner])
    counts = np.bincount(owner * _BINS + bins, minlength=len(rows) * _BINS)
    density = counts.reshape(-1, _BINS) * (1.0 / (kept * width))[:, None] + 1e-10
    logs = density * np.log(density)
    total = np.zeros(len(rows))
    for column in range(_BINS):  # in the order of the scalar sum, so that the bits agree
        total -= logs[:, column]
    result[rows] = total
    return result


def _bins(values: Floats, low: Floats, high: Floats, width: Floats) -> NDArray[np.int64]:
    found = np.minimum(((values - low) * (_BINS / (high - low))).astype(np.int64), _BINS - 1)
    below = values < low + found * width
    above = (found < _BINS - 1) & (values >= low + (found + 1) * width)
    return found - below + (above & ~below)


def _correlations(values: Floats, portfolio: factors.Portfolio) -> Floats:
    if not portfolio.positions:
        return np.zeros(len(values))
    total = portfolio.exposure + values
    share = np.divide(2.0 * values, total, out=np.zeros(len(values)), where=total > 0)
    return np.minimum(1.0, share)


def _clamp(values: Floats) -> Floats:
    return np.clip(values, 0.0, 1.0)
