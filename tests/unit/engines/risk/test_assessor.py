"""Trades one by one and in batches have the same risk, and that of the formula."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kimera_leakguard_native as klg
from kimera_leakguard_native.bench.oracles.risk import risk_score
from kimera_leakguard_native.engines.risk.assessor import CognitiveRiskManager, Trade

MARKET = {"volatility": 0.02, "volume": 1e6, "avg_volume": 1.2e6}

markets = st.fixed_dictionaries(
    {},
    optional={
        "volatility": st.floats(0, 0.2),
        "volume": st.floats(0, 1e8),
        "avg_volume": st.floats(0, 1e8),
        "momentum": st.floats(-5, 5),
        "price_changes": st.lists(st.integers(-50, 50).map(float), max_size=12),
        "volume_changes": st.lists(st.integers(-50, 50).map(float), max_size=12),
    },
)


def test_the_benchmarks_market_scores_as_it_did() -> None:
    found = asyncio.run(
        klg.CognitiveRiskManager().assess_trade_risk("BTC", "buy", 1.0, 50_000.0, MARKET)
    )
    assert found.thermal_entropy == pytest.approx(0.40555, abs=1e-5)
    assert found.volatility_risk == pytest.approx(0.4)
    assert found.liquidity_risk == pytest.approx(0.16667, abs=1e-5)
    assert found.risk_score == pytest.approx(0.37305, abs=1e-5)
    assert found.risk_level is klg.RiskLevel.LOW
    assert found.max_position_size == pytest.approx(0.2)
    assert found.recommended_position_size == pytest.approx(0.2 * (1 - 0.37305) / 1.04, abs=1e-5)
    distance = 0.02 * (1 + found.risk_score) * 1.02
    assert found.stop_loss_price == pytest.approx(50_000 * (1 - distance))
    assert found.take_profit_price == pytest.approx(50_000 * (1 + 2 * distance))
    assert (found.cognitive_confidence, found.contradiction_score) == (0.2, 0.5)


@given(
    data=st.lists(markets, min_size=1, max_size=5),
    position=st.none() | st.floats(1, 1e6),
    quantity=st.floats(0, 1e4),
)
def test_a_batch_is_its_trades(data: list[Any], position: float | None, quantity: float) -> None:
    assessor = CognitiveRiskManager()
    if position is not None:
        assessor.update_position("held", 1, position)
    trades = [Trade(f"S{k}", "sell", quantity, 3.0, item) for k, item in enumerate(data)]
    batch = assessor.assess_many(trades)
    assert len(batch) == len(trades)
    for trade, many in zip(trades, batch, strict=True):
        one = assessor.assess(*trade)
        formula = risk_score(trade.market_data, quantity, 3.0, position or 0.0)
        assert one.risk_score == pytest.approx(formula, abs=1e-9)
        for field in dataclasses.fields(one):
            if field.name == "timestamp":
                continue
            mine, theirs = getattr(many, field.name), getattr(one, field.name)
            if isinstance(mine, float):
                assert mine == pytest.approx(theirs, abs=1e-9), field.name
            elif field.name not in ("risk_level", "risk_factors", "reasoning", "recommendations"):
                assert mine == theirs


def test_every_level_can_be_reached() -> None:
    even = [k * 2.7 / 49 for k in range(50)]  # ten even bins over e: the most entropy there is
    split = [0.0, 100.0] * 25
    seen = set()
    for judged in np.linspace(0, 1, 11):
        assessor = CognitiveRiskManager(judge=lambda *_, risk=judged: (float(risk), 1.0))
        assessor.update_position("held", 1.0, 1.0)
        for heat in (0.0, 0.3, 1.0):
            changes = even if heat == 1.0 else split
            market = {
                "volatility": 0.05 * heat,
                "volume": 1e6 * (1 - heat),
                "avg_volume": 1e6,
                "momentum": 5 * heat,
                "price_changes": changes,
                "volume_changes": changes,
            }
            found = assessor.assess("S", "buy", 1e6 * heat, 1.0, market)
            assert 0.0 <= found.risk_score <= 1.0
            seen.add(found.risk_level)
    assert seen == set(klg.RiskLevel)


def test_contradicting_signals_show() -> None:
    def geoid(name: str, vector: list[float], trend: str) -> klg.GeoidState:
        return klg.GeoidState(name, {name: 1.0}, {"trend": trend}, vector)

    against = [geoid("a", [1.0, 0.0], "up"), geoid("b", [-1.0, 0.1], "down")]
    agreed = [geoid("a", [1.0, 0.0], "up"), geoid("a2", [1.0, 0.0], "up")]
    assessor = CognitiveRiskManager()
    high = assessor.assess("S", "buy", 1, 1, MARKET, against)
    low = assessor.assess("S", "buy", 1, 1, MARKET, agreed)
    assert low.contradiction_score < 0.5 < high.contradiction_score
    assert "resolve the contradictions" in " ".join(high.recommendations)
    assert assessor.assess("S", "buy", 1, 1, MARKET, ["text"]).contradiction_score == 0.5


def test_positions_and_history_are_summed_up() -> None:
    assessor = CognitiveRiskManager(portfolio_value=1000.0)
    assessor.update_position("A", 2, 50, pnl=-30)
    assessor.update_position("B", -1, 40, pnl=10)
    for _ in range(1200):
        assessor.assess("C", "buy", 1, 1, MARKET)
    metrics = assessor.get_risk_metrics()
    assert metrics["total_exposure"] == 140
    assert metrics["active_positions"] == 2
    assert metrics["max_drawdown"] == pytest.approx(0.03)
    assert metrics["total_assessments"] == 1200
    assert sum(metrics["risk_level_distribution"].values()) == 1000
    assessor.update_position("A", 0, 50)
    assert assessor.get_risk_metrics()["active_positions"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"side": "hold"}, "side: expected 'buy' or 'sell', got 'hold'"),
        ({"price": 0.0}, "price: expected a positive number"),
        ({"quantity": float("inf")}, "quantity: expected a number of at least 0"),
        ({"market_data": {"volume": -1.0}}, "volume"),
        ({"market_data": {"price_changes": [float("nan"), 1.0]}}, "price_changes"),
    ],
)
def test_bad_trades_are_refused_and_named(change: dict[str, Any], message: str) -> None:
    assessor = CognitiveRiskManager()
    good = Trade("good", "buy", 1.0, 1.0, MARKET)
    bad = good._replace(symbol="bad", **change)
    with pytest.raises(ValueError, match=message):
        assessor.assess(*bad)
    with pytest.raises(ValueError, match=rf"trade 1 \(bad\): .*{message}"):
        assessor.assess_many([good, bad])
    assert assessor.get_risk_metrics()["total_assessments"] == 0


def test_an_empty_batch_and_a_bad_judge() -> None:
    assert len(CognitiveRiskManager().assess_many([])) == 0
    with pytest.raises(ValueError, match="judge: expected two numbers"):
        CognitiveRiskManager(judge=lambda *_: (2.0, 0.0)).assess("S", "buy", 1, 1, MARKET)
    with pytest.raises(ValueError, match="portfolio_value"):
        CognitiveRiskManager(portfolio_value=0)
