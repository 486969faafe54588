"""Risk: many trades at once, one trade, and leak risks of thousands of components."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.bench.harness import Options, Result, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TRADES = 10_000
_COMPONENTS = 10_000
_CHANGES = 20
_SINGLE = 500


def run(options: Options) -> Iterator[Result]:
    """Time markets with 20 price and 20 volume changes each, beside open positions."""
    chance = random.Random(options.seed)
    trades = [_trade(chance, number) for number in range(_TRADES)]
    yield _batch(options, trades)
    yield _one(options, trades[:_SINGLE])
    yield _components(options, chance)


def _trade(chance: random.Random, number: int) -> tuple[Any, ...]:
    market = {
        "volatility": chance.uniform(0.001, 0.08),
        "volume": chance.uniform(1e4, 5e6),
        "avg_volume": chance.uniform(1e5, 5e6),
        "momentum": chance.gauss(0, 1),
        "price_changes": [chance.gauss(0, 1) for _ in range(_CHANGES)],
        "volume_changes": [chance.gauss(0, 1) for _ in range(_CHANGES)],
    }
    return (f"S{number}", "buy", chance.uniform(1, 100), chance.uniform(1, 500), market)


def _assessor() -> Any:
    from kimera_leakguard_native.engines.risk.assessor import CognitiveRiskManager

    assessor = CognitiveRiskManager()
    assessor.update_position("held", 100.0, 200.0)
    return assessor


def _expected(trades: list[tuple[Any, ...]]) -> list[float]:
    from kimera_leakguard_native.bench.oracles.risk import risk_score

    return [
        risk_score(market, quantity, price, 20_000.0) for _, _, quantity, price, market in trades
    ]


def _require_close(found: list[float], expected: list[float]) -> None:
    worst = max(abs(a - b) for a, b in zip(found, expected, strict=True))
    if worst > 1e-9 or len(set(expected)) < len(expected) // 2:
        raise AssertionError(f"risk scores differ from the formula by {worst}")


def _batch(options: Options, trades: list[tuple[Any, ...]]) -> Result:
    assessor = _assessor()
    expected = _expected(trades)

    def ours() -> float:
        start = time.thread_time_ns()
        found = assessor.assess_many(trades)
        elapsed = time.thread_time_ns() - start
        _require_close(found.factors.score.tolist(), expected)
        return elapsed / 1e6

    def formula() -> float:
        start = time.thread_time_ns()
        _expected(trades)
        return (time.thread_time_ns() - start) / 1e6

    def one_by_one() -> float:
        start = time.thread_time_ns()
        for trade in trades:
            assessor.assess(*trade)
        return (time.thread_time_ns() - start) / 1e6

    return compare(
        "risk",
        f"batch/n={_TRADES}",
        "CPU ms",
        ours,
        {"formula": ("replica", formula), "one by one": ("peer", one_by_one)},
        rounds=options.rounds(9),
        seed=options.seed,
        checked=True,
    )


def _one(options: Options, trades: list[tuple[Any, ...]]) -> Result:
    assessor = _assessor()
    expected = _expected(trades)

    def ours() -> float:
        start = time.thread_time_ns()
        found = [assessor.assess(*trade) for trade in trades]
        elapsed = time.thread_time_ns() - start
        _require_close([item.risk_score for item in found], expected)
        return elapsed / 1e3 / len(trades)

    def formula() -> float:
        start = time.thread_time_ns()
        _expected(trades)
        return (time.thread_time_ns() - start) / 1e3 / len(trades)

    return compare(
        "risk",
        "one",
        "CPU us",
        ours,
        {"formula": ("replica", formula)},
        rounds=options.rounds(15),
        seed=options.seed,
        checked=True,
    )


def _components(options: Options, chance: random.Random) -> Result:
    from kimera_leakguard_native.engines.risk.component_risk import HORIZON_S, leak_risks

    growth = [max(0.0, chance.gauss(0, 1e6)) for _ in range(_COMPONENTS)]
    headroom = [chance.uniform(0, 1e10) for _ in range(_COMPONENTS)]
    confidence = [chance.random() for _ in range(_COMPONENTS)]

    def formula() -> list[float]:
        return [
            c / (1 + h / g / HORIZON_S) if g > 0 else 0.0
            for g, h, c in zip(growth, headroom, confidence, strict=True)
        ]

    def ours() -> float:
        start = time.thread_time_ns()
        found = leak_risks(growth, headroom, confidence)
        elapsed = time.thread_time_ns() - start
        _require_close_risks(found.tolist(), formula())
        return elapsed / 1e6

    return compare(
        "risk",
        f"components/n={_COMPONENTS}",
        "CPU ms",
        ours,
        {"formula": ("replica", _timed(formula))},
        rounds=options.rounds(15),
        seed=options.seed,
        checked=True,
    )


def _require_close_risks(found: list[float], expected: list[float]) -> None:
    worst = max(abs(a - b) for a, b in zip(found, expected, strict=True))
    if worst > 1e-9 or not any(expected):
        raise AssertionError(f"leak risks differ from the formula by {worst}")


def _timed(call: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        start = time.thread_time_ns()
        call()
        return (time.thread_time_ns() - start) / 1e6

    return once
