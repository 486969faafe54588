"""The risk formulas as one would write them with numpy, one trade after the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping


def risk_score(market: Mapping[str, Any], quantity: float, price: float, exposure: float) -> float:
    """Score a trade beside open positions of some exposure, at no profit or loss.

    Parameters
    ----------
    exposure : float
        In currency; 0 for an empty book.
    """
    swing, volume = market.get("volatility", 0.02), market.get("volume", 0.0)
    momentum = abs(market.get("momentum", 0.0))
    entropies = [_entropy(market.get(key, ())) for key in ("price_changes", "volume_changes")]
    efficiency = 0.5 if exposure > 0 else 1.0
    heat = (
        0.4 * swing * math.log(1 + volume / 1e6) * (1 + 0.5 * momentum)
        + 0.4 * sum(entropies) / 2
        + 0.2 * (1 - efficiency)
    )
    value = quantity * price
    score = (
        0.25 * min(1.0, max(0.0, heat))
        + 0.25 * 0.7
        + 0.20 * min(1.0, 20 * swing)
        + 0.15 * (min(1.0, 2 * value / (exposure + value)) if exposure > 0 else 0.0)
        + 0.10 * max(0.0, 1 - volume / max(market.get("avg_volume", volume), 1))
        + 0.05 * min(1.0, 0.5 * momentum)
    )
    return float(min(1.0, max(0.0, score)))


def _entropy(changes: Any) -> float:
    if len(changes) < 2:
        return 1.0
    histogram, _ = np.histogram(changes, bins=10, density=True)
    densities = histogram + 1e-10
    return float(-np.sum(densities * np.log(densities)))
