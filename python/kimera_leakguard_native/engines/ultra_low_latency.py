"""`UltraLowLatencyEngine`: decides trades from a cache of decisions, else by a risk assessment."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.engines.decision_cache import CachedDecision, CognitiveDecisionCache
from kimera_leakguard_native.engines.risk.assessor import CognitiveRiskManager
from kimera_leakguard_native.guardian.announcements import announce

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT = 10_000
_FRESH_NS = 500_000_000
_PRECOMPUTED_NS = 1_000_000_000
_COMMON_PATTERNS: tuple[dict[str, float], ...] = (
    {"price": 100.0, "volume": 1e6, "volatility": 0.01, "trend": 1.0},
    {"price": 100.0, "volume": 1e6, "volatility": 0.01, "trend": -1.0},
    {"price": 100.0, "volume": 1e6, "volatility": 0.05, "trend": 0.0},
    {"price": 100.0, "volume": 5e6, "volatility": 0.02, "trend": 1.0},
    {"price": 100.0, "volume": 1e5, "volatility": 0.02, "trend": 0.0},
)


@dataclass(frozen=True)
class LatencyMetrics:
    """Where the time of one trade went, in microseconds."""

    total_latency_us: float
    cache_lookup_us: float
    decision_us: float


class UltraLowLatencyEngine:
    """Decides trades; a decision is good for half a second.

    Parameters
    ----------
    config : mapping
        ``max_cache_size`` (10 000), ``quantity`` (1.0) and ``symbol`` of the trades; other keys
        are kept and not read.

    Attributes
    ----------
    decision_cache : CognitiveDecisionCache
        Bounded, least recently used out first.
    """

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        self.config = dict(config or {})
        self.decision_cache = CognitiveDecisionCache(int(self.config.get("max_cache_size", 10_000)))
        self._risk = CognitiveRiskManager()
        self._latencies_us: deque[float] = deque(maxlen=_KEPT)
        self._executions = 0
        announce("ultra_low_latency_engine", self)

    async def initialize(self) -> None:
        """Decide the common patterns in advance."""
        await self.precompute_common_decisions()

    async def precompute_common_decisions(self) -> int:
        """Cache a decision for each of five common patterns, good for a second; give the number."""
        for pattern in _COMMON_PATTERNS:
            decision = await self.compute_cognitive_decision(pattern)
            decision.validity_duration_ns = _PRECOMPUTED_NS
            self.decision_cache.cache_decision(pattern, decision)
        return len(_COMMON_PATTERNS)

    async def compute_cognitive_decision(self, market_data: Mapping[str, Any]) -> CachedDecision:
        """Decide by the risk of the trade: hold above a half, else buy or sell with the trend."""
        trend = float(market_data.get("trend", 0.0))
        side = "buy" if trend >= 0 else "sell"
        assessment = self._risk.assess(
            str(self.config.get("symbol", "")),
            side,
            float(self.config.get("quantity", 1.0)),
            float(market_data.get("price", 1.0)) or 1.0,
            market_data,
        )
        return CachedDecision(
            market_pattern_hash="",
            decision_type="hold" if assessment.risk_score > 0.5 or not trend else side,
            confidence=1.0 - assessment.risk_score,
            position_size=assessment.recommended_position_size,
            price_target=assessment.take_profit_price,
            stop_loss=assessment.stop_loss_price,
            cognitive_reasoning=assessment.reasoning,
            timestamp_ns=0,
            validity_duration_ns=_FRESH_NS,
        )

    async def execute_ultra_fast_trade(self, market_data: Mapping[str, Any]) -> dict[str, Any]:
        """Decide one trade.

        Returns
        -------
        dict
            ``execution_result`` (the decision), ``latency_metrics`` and ``cache_used``.
        """
        start = time.perf_counter_ns()
        decision = self.decision_cache.get_cached_decision(market_data)
        looked_up = time.perf_counter_ns()
        cached = decision is not None
        if decision is None:
            decision = await self.compute_cognitive_decision(market_data)
            self.decision_cache.cache_decision(market_data, decision)
        end = time.perf_counter_ns()
        metrics = LatencyMetrics(
            (end - start) / 1e3, (looked_up - start) / 1e3, (end - looked_up) / 1e3
        )
        self._executions += 1
        self._latencies_us.append(metrics.total_latency_us)
        return {"execution_result": decision, "latency_metrics": metrics, "cache_used": cached}

    def get_performance_stats(self) -> dict[str, Any]:
        """Sum up the last ten thousand trades, in microseconds; {} before the first."""
        latencies = sorted(self._latencies_us)
        if not latencies:
            return {}
        return {
            "execution_count": self._executions,
            "average_latency_us": math.fsum(latencies) / len(latencies),
            "min_latency_us": latencies[0],
            "max_latency_us": latencies[-1],
            "p95_latency_us": _quantile(latencies, 0.95),
            "p99_latency_us": _quantile(latencies, 0.99),
            "cache_stats": self.decision_cache.get_cache_stats(),
            "hardware_optimized": False,
        }


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
