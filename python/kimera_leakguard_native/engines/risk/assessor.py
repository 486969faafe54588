"""`CognitiveRiskManager`: assesses trades against a portfolio, one at a time or thousands."""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from kimera_leakguard_native.engines.risk import factors
from kimera_leakguard_native.engines.risk.advice import advise
from kimera_leakguard_native.engines.risk.assessment import (
    CognitiveRiskAssessment,
    RiskLevel,
    RiskLimits,
    level_of,
)

if TYPE_CHECKING:
    from kimera_leakguard_native.engines.risk.batch import RiskFactors

Judge = Callable[[Mapping[str, Any], Sequence[Any]], tuple[float, float]]

_HISTORY = 1000


class Trade(NamedTuple):
    """What is asked about; `market_data` as `CognitiveRiskManager.assess` takes it."""

    symbol: str
    side: str
    quantity: float
    price: float
    market_data: Mapping[str, Any]
    trading_signals: Sequence[Any] = ()


class CognitiveRiskManager:
    """Risk of trades against one portfolio; safe to use from several threads.

    Parameters
    ----------
    risk_limits : RiskLimits, optional
        What the portfolio allows.
    portfolio_value : float
        In the currency of the prices.
    judge : callable, optional
        Called ``(market_data, trading_signals)``; gives (cognitive risk, confidence), both in
        [0, 1]. Without one a market counts as not understood: risk 0.7, confidence 0.2.
    """

    def __init__(
        self,
        risk_limits: RiskLimits | None = None,
        *,
        portfolio_value: float = 100_000.0,
        judge: Judge | None = None,
    ) -> None:
        if not (math.isfinite(portfolio_value) and portfolio_value > 0):
            raise ValueError(f"portfolio_value: expected a positive number, got {portfolio_value}")
        self.risk_limits = risk_limits or RiskLimits()
        self.portfolio_value = portfolio_value
        self.daily_pnl = 0.0
        self.max_drawdown = 0.0
        self._judge = judge
        self._peak = portfolio_value
        self._lock = threading.Lock()
        self._positions: dict[str, tuple[float, float]] = {}
        self._portfolio = factors.Portfolio(portfolio_value, 0.0, 0.0, 0)
        self._history: deque[tuple[float, RiskLevel]] = deque(maxlen=_HISTORY)
        self._latencies: deque[float] = deque(maxlen=_HISTORY)
        self._assessed = 0

    async def assess_trade_risk(
        self,
        symbol: str,
        side: str,
        quantity: float,
        price: float,
        market_data: Mapping[str, Any],
        trading_signals: Sequence[Any] | None = None,
    ) -> CognitiveRiskAssessment:
        """Assess one trade; see `assess`."""
        return self.assess(symbol, side, quantity, price, market_data, trading_signals)

    def assess(
        self,
        symbol: str,
        side: str,
        quantity: float,
        price: float,
        market_data: Mapping[str, Any],
        trading_signals: Sequence[Any] | None = None,
    ) -> CognitiveRiskAssessment:
        """Assess one trade.

        Parameters
        ----------
        side : str
            ``"buy"`` or ``"sell"``.
        quantity, price : float
            Units, and currency a unit.
        market_data : mapping
            ``volatility`` (default 0.02), ``volume`` and ``avg_volume`` in units, ``momentum``,
            ``price_changes`` and ``volume_changes`` (sequences).
        trading_signals : sequence, optional
            Geoids among these are compared with each other for the contradiction score.

        Raises
        ------
        ValueError
            A figure is missing, not finite or out of range.
        """
        start = time.perf_counter()
        trade = Trade(symbol, side, quantity, price, market_data, trading_signals or ())
        value = _value_of(trade)
        market = factors.market_of(market_data)
        portfolio = self._portfolio
        thermal = factors.thermal(market, portfolio)
        cognitive, confidence = self._judged(trade)
        volatility = min(1.0, 20.0 * market.volatility)
        correlation = factors.correlation(value, portfolio)
        liquidity = factors.liquidity(market)
        momentum = min(1.0, 0.5 * abs(market.momentum))
        parts = (thermal, cognitive, volatility, correlation, liquidity, momentum)
        score = factors.clamp(sum(w * p for w, p in zip(factors.WEIGHTS, parts, strict=True)))
        result = self._result(
            trade, score, (thermal, volatility, correlation, liquidity, momentum), confidence,
            market.volatility,
        )  # fmt: skip
        advise(result, self.risk_limits, cognitive)
        self._note([(score, result.risk_level)], time.perf_counter() - start)
        return result

    def assess_many(self, trades: Iterable[Trade | tuple[Any, ...]]) -> RiskBatch:
        """Assess many trades against the portfolio as it is now.

        Parameters
        ----------
        trades : iterable of Trade
            Or tuples of its fields.

        Returns
        -------
        RiskBatch
            Arrays at once, `CognitiveRiskAssessment` objects by index.

        Raises
        ------
        ValueError
            A trade is wrong; the message says which. None is assessed then.
        """
        import numpy as np

        from kimera_leakguard_native.engines.risk.batch import RiskFactors

        start = time.perf_counter()
        asked = [item if isinstance(item, Trade) else Trade(*item) for item in trades]
        portfolio = self._portfolio
        try:
            values = np.array([_value_of(trade) for trade in asked], dtype=np.float64)
            opinions = np.array([self._judged(trade) for trade in asked], dtype=np.float64)
            opinions = opinions.reshape(-1, 2)
            markets = [trade.market_data for trade in asked]
            found = RiskFactors(markets, values, opinions[:, 0], portfolio)
        except (TypeError, ValueError):
            _name_the_wrong_one(asked)
            raise
        scores = found.score.tolist()
        self._note(
            [(score, level_of(score)) for score in scores[-_HISTORY:]],
            time.perf_counter() - start,
            len(asked),
        )
        return RiskBatch(self, asked, found, opinions)

    def update_position(self, symbol: str, quantity: float, price: float, pnl: float = 0.0) -> None:
        """Set a position, in units at a price; a quantity of 0 closes it."""
        for name, figure in (("quantity", quantity), ("price", price), ("pnl", pnl)):
            if not math.isfinite(figure):
                raise ValueError(f"{name}: expected a finite number, got {figure}")
        with self._lock:
            if quantity == 0:
                self._positions.pop(symbol, None)
            else:
                self._positions[symbol] = (abs(quantity * price), pnl)
            exposure = math.fsum(value for value, _ in self._positions.values())
            open_pnl = math.fsum(gain for _, gain in self._positions.values())
            self._portfolio = factors.Portfolio(
                self.portfolio_value, exposure, open_pnl, len(self._positions)
            )
            current = self.portfolio_value + self.daily_pnl + open_pnl
            self._peak = max(self._peak, current)
            self.max_drawdown = max(self.max_drawdown, (self._peak - current) / self._peak)

    def get_risk_metrics(self) -> dict[str, Any]:
        """Sum up the portfolio and the last 1,000 assessments."""
        with self._lock:
            history, latencies = list(self._history), list(self._latencies)
            portfolio, assessed = self._portfolio, self._assessed
        levels = Counter(level.value for _, level in history)
        return {
            "portfolio_value": self.portfolio_value,
            "daily_pnl": self.daily_pnl,
            "max_drawdown": self.max_drawdown,
            "active_positions": portfolio.positions,
            "total_exposure": portfolio.exposure,
            "avg_risk_score": statistics.fmean(s for s, _ in history) if history else 0.0,
            "risk_level_distribution": {level.value: levels[level.value] for level in RiskLevel},
            "performance_metrics": {
                "avg_assessment_time_us": 1e6 * statistics.fmean(latencies) if latencies else 0.0,
                "max_assessment_time_us": 1e6 * max(latencies, default=0.0),
            },
            "total_assessments": assessed,
        }

    def _judged(self, trade: Trade) -> tuple[float, float]:
        if self._judge is None:
            return factors.UNJUDGED
        risk, confidence = self._judge(trade.market_data, trade.trading_signals)
        if not (0.0 <= risk <= 1.0 and 0.0 <= confidence <= 1.0):
            raise ValueError(f"judge: expected two numbers in [0, 1], got {risk} and {confidence}")
        return risk, confidence

    def _result(
        self,
        trade: Trade,
        score: float,
        risks: tuple[float, float, float, float, float],
        confidence: float,
        swing: float,
    ) -> CognitiveRiskAssessment:
        thermal, volatility, correlation, liquidity, momentum = risks
        limits = self.risk_limits
        most = min(trade.quantity, self.portfolio_value * limits.max_position_size / trade.price)
        distance = limits.stop_loss_percent * (1.0 + score) * (1.0 + swing)
        sign = 1.0 if trade.side == "buy" else -1.0
        return CognitiveRiskAssessment(
            risk_level=level_of(score),
            risk_score=score,
            thermal_entropy=thermal,
            cognitive_confidence=confidence,
            contradiction_score=_contradiction(trade.trading_signals),
            recommended_position_size=most
            * (1.0 - score)
            / (1.0 + limits.volatility_multiplier * swing),
            max_position_size=most,
            stop_loss_price=trade.price * (1.0 - sign * distance),
            take_profit_price=trade.price * (1.0 + sign * 2.0 * distance),
            volatility_risk=volatility,
            correlation_risk=correlation,
            liquidity_risk=liquidity,
            market_risk=momentum,
            timestamp=datetime.now(timezone.utc),
            symbol=trade.symbol,
            side=trade.side,
        )

    def _note(self, found: list[tuple[float, RiskLevel]], seconds: float, count: int = 1) -> None:
        with self._lock:
            self._history.extend(found)
            if count:
                self._latencies.append(seconds / count)
            self._assessed += count


class RiskBatch(Sequence[CognitiveRiskAssessment]):
    """Assessments of many trades; an object is made when it is asked for.

    Attributes
    ----------
    factors : RiskFactors
        Arrays of shape (n,): `score` and what it is made of.
    """

    def __init__(
        self, owner: CognitiveRiskManager, trades: list[Trade], found: RiskFactors, opinions: Any
    ) -> None:
        self.factors = found
        self._owner = owner
        self._trades = trades
        self._opinions = opinions

    def __len__(self) -> int:
        return len(self._trades)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        found = self.factors
        risks = (found.thermal, found.volatility, found.correlation, found.liquidity, found.market)
        cognitive, confidence = self._opinions[at]
        result = self._owner._result(  # noqa: SLF001 - one way to an assessment
            self._trades[at],
            float(found.score[at]),
            tuple(float(risk[at]) for risk in risks),  # type: ignore[arg-type]
            float(confidence),
            float(found.swing[at]),
        )
        advise(result, self._owner.risk_limits, float(cognitive))
        return result


def _value_of(trade: Trade) -> float:
    if trade.side not in ("buy", "sell"):
        raise ValueError(f"side: expected 'buy' or 'sell', got {trade.side!r}")
    if not (math.isfinite(trade.price) and trade.price > 0):
        raise ValueError(f"price: expected a positive number, got {trade.price}")
    if not (math.isfinite(trade.quantity) and trade.quantity >= 0):
        raise ValueError(f"quantity: expected a number of at least 0, got {trade.quantity}")
    return trade.quantity * trade.price


def _name_the_wrong_one(trades: Sequence[Trade]) -> None:
    index = 0
    try:
        for index, trade in enumerate(trades):  # noqa: B007 - the message needs it
            _value_of(trade)
            market = factors.market_of(trade.market_data)
            factors.entropy(market.price_changes)
            factors.entropy(market.volume_changes)
    except (TypeError, ValueError) as error:
        raise ValueError(f"trade {index} ({trades[index].symbol}): {error}") from error


def _contradiction(signals: Sequence[Any]) -> float:
    if not signals:
        return factors.NO_SIGNALS
    geoids = [signal for signal in signals if hasattr(signal, "embedding_vector")]
    if len(geoids) < 2:
        return factors.NO_SIGNALS
    from kimera_leakguard_native.engines.contradiction.tension import Tensions

    found = Tensions(geoids, "mean").above(-1.0, 1)
    return factors.clamp(statistics.fmean(item.tension_score for item in found))
