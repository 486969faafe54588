"""What an assessment says in words: which limits are passed, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.engines.risk.assessment import RiskLevel

if TYPE_CHECKING:
    from kimera_leakguard_native.engines.risk.assessment import (
        CognitiveRiskAssessment,
        RiskLimits,
    )

_NOTABLE = 0.6


def advise(found: CognitiveRiskAssessment, limits: RiskLimits, cognitive: float) -> None:
    """Fill in risk factors, recommendations and reasoning."""
    risks = (
        ("thermal disorder", found.thermal_entropy),
        ("poorly understood market", cognitive),
        ("volatility", found.volatility_risk),
        ("correlated exposure", found.correlation_risk),
        ("low liquidity", found.liquidity_risk),
        ("momentum", found.market_risk),
    )
    found.risk_factors = [f"{name} {risk:.2f}" for name, risk in risks if risk >= _NOTABLE]
    if found.correlation_risk > limits.max_correlation_exposure:
        found.recommendations.append("spread the exposure before adding to it")
    if found.cognitive_confidence < limits.min_cognitive_confidence:
        found.recommendations.append("have the market judged before relying on the score")
    if found.contradiction_score > limits.max_contradiction_score:
        found.recommendations.append("resolve the contradictions between the signals first")
    if found.risk_level in (RiskLevel.VERY_HIGH, RiskLevel.EXTREME):
        found.recommendations.append("do not open the position")
    elif found.risk_level is RiskLevel.HIGH:
        found.recommendations.append("open a smaller position, with the stop in place")
    leading, risk = max(risks, key=lambda item: item[1])
    found.reasoning = [
        f"risk {found.risk_score:.3f} ({found.risk_level.value}), mostly {leading} ({risk:.2f})"
    ]
