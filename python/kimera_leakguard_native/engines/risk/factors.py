"""The six risks of one trade, in plain floats: numpy would cost more than these sums.

The formulas are those of Kimera's `CognitiveRiskManager`; `batch` computes the same over arrays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WEIGHTS = (0.25, 0.25, 0.20, 0.15, 0.10, 0.05)
"""Of thermal, cognitive, volatility, correlation, liquidity and market risk."""

UNJUDGED = (0.7, 0.2)
"""Cognitive risk and confidence where nobody judges the market."""

NO_SIGNALS = 0.5
"""Contradiction score where there are no signals to compare."""

VOLATILITY = 0.02
"""Where market data name none."""

_BINS = 10
_TINY = 1e-10


class Market(NamedTuple):
    """What a trade's risk depends on, checked."""

    volatility: float
    volume: float
    avg_volume: float
    momentum: float
    price_changes: Sequence[float]
    volume_changes: Sequence[float]


class Portfolio(NamedTuple):
    """Sums over the open positions, in currency."""

    value: float
    exposure: float
    pnl: float
    positions: int


def market_of(data: Mapping[str, Any]) -> Market:
    """Read market data.

    Raises
    ------
    ValueError
        A figure is not a finite number, or is negative where it cannot be.
    """
    volume = number(data, "volume", 0.0, least=0.0)
    return Market(
        number(data, "volatility", VOLATILITY, least=0.0),
        volume,
        number(data, "avg_volume", volume, least=0.0),
        number(data, "momentum", 0.0),
        _numbers(data, "price_changes"),
        _numbers(data, "volume_changes"),
    )


def number(data: Mapping[str, Any], key: str, default: float, *, least: float = -math.inf) -> float:
    """Read one finite number."""
    value = data.get(key)
    if value is None:
        return default
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"market_data[{key!r}]: expected a number, got {value!r}") from None
    if not least <= found < math.inf:
        least_too = "" if least == -math.inf else f" of at least {least:g}"
        raise ValueError(f"market_data[{key!r}]: expected a finite number{least_too}, got {found}")
    return found


def _numbers(data: Mapping[str, Any], key: str) -> Sequence[float]:
    value = data.get(key)
    if value is None:
        return ()
    try:
        found = list(map(float, value))
    except (TypeError, ValueError):
        raise ValueError(f"market_data[{key!r}]: expected a sequence of numbers") from None
    if not all(map(math.isfinite, found)):
        raise ValueError(f"market_data[{key!r}]: expected finite numbers only")
    return found


def entropy(values: Sequence[float]) -> float:
    """Give -sum h ln h over the densities of a histogram of ten bins; 1 below two values.

    The densities are those of `numpy.histogram(values, 10, density=True)`, each plus 1e-10. No
    entropy in the strict sense: densities above 1 count negatively.

    Raises
    ------
    ValueError
        No ten bins lie between the smallest and the largest value.
    """
    if len(values) < 2:
        return 1.0
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / _BINS
    if width == 0.0 or width == math.inf:
        raise ValueError(f"changes between {low} and {high}: no ten bins lie between these")
    per_width = _BINS / (high - low)
    counts = [0] * _BINS
    for value in values:
        position = int((value - low) * per_width)
        if position == _BINS:
            position = _BINS - 1
        # The product rounds; the edges decide, as they do in numpy.
        if value < low + position * width:
            position -= 1
        elif position < _BINS - 1 and value >= low + (position + 1) * width:
            position += 1
        counts[position] += 1
    scale = 1.0 / (len(values) * width)
    total = 0.0
    for count in counts:
        density = count * scale + _TINY
        total -= density * math.log(density)
    return total


def thermal(market: Market, portfolio: Portfolio) -> float:
    """Disorder of a market in [0, 1]: temperature, entropy and lack of efficiency."""
    temperature = (
        market.volatility * math.log1p(market.volume / 1e6) * (1.0 + 0.5 * abs(market.momentum))
    )
    disorder = 0.5 * (entropy(market.price_changes) + entropy(market.volume_changes))
    return clamp(0.4 * temperature + 0.4 * disorder + 0.2 * (1.0 - efficiency(portfolio)))


def efficiency(portfolio: Portfolio) -> float:
    """Return on what is exposed, shifted so that an even book has one half; 1 for an empty one."""
    gain = portfolio.pnl / portfolio.exposure if portfolio.exposure > 0 else 0.5
    return clamp(gain + 0.5)


def correlation(value: float, portfolio: Portfolio) -> float:
    """Share of the book that a trade of some value would make, doubled; 0 for an empty book."""
    if not portfolio.positions:
        return 0.0
    total = portfolio.exposure + value
    return min(1.0, 2.0 * value / total) if total > 0 else 0.0


def liquidity(market: Market) -> float:
    """How far the volume lies below its average."""
    return clamp(1.0 - market.volume / max(market.avg_volume, 1.0))


def clamp(value: float) -> float:
    """Bring a value into [0, 1]."""
    return 0.0 if value < 0.0 else min(value, 1.0)
