"""What a risk assessment says, and the limits that it is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class RiskLevel(Enum):
    """A risk score in words; a level starts where the one before it ends."""

    VERY_LOW = "very_low"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very_high"
    EXTREME = "extreme"


LEVEL_BOUNDS = (0.2, 0.4, 0.6, 0.8, 0.95)
"""Scores from which the second to the last level apply."""


@dataclass(frozen=True)
class RiskLimits:
    """What a portfolio allows.

    Attributes
    ----------
    max_position_size, max_daily_loss, max_drawdown, max_correlation_exposure : float
        Shares of the portfolio's value.
    stop_loss_percent : float
        Distance of the stop from the price at no risk, as a share of the price.
    """

    max_position_size: float = 0.1
    max_daily_loss: float = 0.05
    max_drawdown: float = 0.1
    stop_loss_percent: float = 0.02
    max_correlation_exposure: float = 0.3
    volatility_multiplier: float = 2.0
    max_thermal_entropy: float = 2.0
    min_thermal_efficiency: float = 0.7
    min_cognitive_confidence: float = 0.6
    max_contradiction_score: float = 0.8


@dataclass
class CognitiveRiskAssessment:
    """The risk of one trade.

    Attributes
    ----------
    risk_score : float
        In [0, 1]; the weighted sum of the six risks.
    thermal_entropy : float
        In [0, 1]: disorder of the market, the first of the six.
    cognitive_confidence, contradiction_score : float
        In [0, 1]: how sure the judgement is, and how much the signals speak against each other.
    recommended_position_size, max_position_size : float
        Units of the instrument.
    stop_loss_price, take_profit_price : float
        In the currency of the price.
    """

    risk_level: RiskLevel
    risk_score: float
    thermal_entropy: float
    cognitive_confidence: float
    contradiction_score: float
    recommended_position_size: float
    max_position_size: float
    stop_loss_price: float
    take_profit_price: float
    volatility_risk: float
    correlation_risk: float
    liquidity_risk: float
    market_risk: float
    risk_factors: list[str] = field(default_factory=list)
    recommendations: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    timestamp: datetime | None = None
    symbol: str = ""
    side: str = ""


def level_of(score: float) -> RiskLevel:
    """Give the level of a score in [0, 1]."""
    for bound, level in zip(LEVEL_BOUNDS, RiskLevel, strict=False):
        if score < bound:
            return level
    return RiskLevel.EXTREME
