from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimera_leakguard_native.integration.components.growth import Growth
from kimera_leakguard_native.integration.components.health import BASELINES, ComponentHealth
from kimera_leakguard_native.integration.components.reading import Reading

if TYPE_CHECKING:
    from kimera_leakguard_native.model.integration import ComponentHealthMetrics

GIB = 2**30
NO_GROWTH = Growth(0.0, 0.0)


def judged(
    readings: list[Reading], headroom: float = 8 * GIB, process: Growth = NO_GROWTH
) -> ComponentHealthMetrics:
    health = ComponentHealth("component")
    for index, reading in enumerate(readings):
        health.add(30.0 * index, reading)
    return health.metrics(process, headroom, BASELINES)


def leaking(bytes_per_s: float, count: int = 20, **more: object) -> list[Reading]:
    return [
        Reading(memory_bytes=int(2**20 + 30 * bytes_per_s * i), allocation_count=i + 1, **more)  # type: ignore[arg-type]
        for i in range(count)
    ]


@pytest.mark.parametrize(
    "readings",
    [
        [Reading(room_bytes=GIB)] * 20,  # an idle pool, 0 % used: the original's risk was 1
        [Reading(hit_rate=0.0, evicts=True)] * 20,  # a cold cache
        [Reading(memory_bytes=500 * 2**20)] * 20,  # large and steady
        [Reading(memory_bytes=(i % 5) * 2**26) for i in range(40)],  # a sawtooth
        leaking(1e6, evicts=True),  # fills up to its own bound
        leaking(1e6, count=3),  # too early to say
    ],
    ids=["idle pool", "cold cache", "steady", "sawtooth", "bounded", "short"],
)
def test_what_is_healthy_is_not_at_risk(readings: list[Reading]) -> None:
    assert judged(readings).leak_risk_score < 0.1


def test_a_leak_is_at_risk_by_the_time_that_it_leaves() -> None:
    an_hour = judged(leaking(GIB / 3600), headroom=GIB)
    assert an_hour.leak_risk_score == pytest.approx(0.5, abs=0.01)
    ten_minutes = judged(leaking(GIB / 600), headroom=GIB)
    assert ten_minutes.leak_risk_score > 0.8
    assert "KiB/s" in ten_minutes.recommendations[0]


@given(st.floats(1.0, 1e8), st.floats(1.0, 1e8), st.floats(1.0, 64 * GIB), st.floats(1.0, 64 * GIB))
def test_risk_rises_with_growth_and_with_shortage(
    one: float, other: float, room: float, more: float
) -> None:
    slow, fast = sorted((one, other))
    little, much = sorted((room, more))
    assert (
        judged(leaking(slow), much).leak_risk_score
        <= judged(leaking(fast), much).leak_risk_score + 1e-9
    )
    assert (
        judged(leaking(fast), much).leak_risk_score
        <= judged(leaking(fast), little).leak_risk_score + 1e-9
    )
    assert 0.0 <= judged(leaking(fast), little).leak_risk_score <= 1.0


def test_the_lesser_room_counts() -> None:
    own = judged(leaking(1e5, room_bytes=2**20))
    assert own.leak_risk_score > judged(leaking(1e5)).leak_risk_score + 0.5


def test_entries_without_bytes_count_with_the_growth_of_the_process() -> None:
    entries = [Reading(allocation_count=100 * i) for i in range(20)]
    growing = Growth(GIB / 600, 0.9)
    assert judged(entries, GIB, growing).leak_risk_score > 0.8
    assert judged([Reading(allocation_count=100)] * 20, GIB, growing).leak_risk_score == 0.0
    assert judged(entries, GIB).leak_risk_score == 0.0


@pytest.mark.parametrize(
    ("latency_ms", "impact"),
    [(12_000.0, "critical"), (6_000.0, "good"), (8_000.0, "degraded"), (1.0, "excellent")],
)
def test_latency_is_judged_the_right_way_round(latency_ms: float, impact: str) -> None:
    reading = Reading(latency_ms=latency_ms, latency_target="contradiction_engine_ms")
    assert judged([reading]).performance_impact == impact


def test_fields_degrade_above_fifty_thousand() -> None:
    assert judged([Reading(fields=50_000)]).performance_impact == "stable"
    assert judged([Reading(fields=50_001)]).performance_impact == "degraded"


def test_nothing_used_is_idle() -> None:
    assert judged([Reading()]).performance_impact == "idle"


def test_a_low_hit_rate_is_said() -> None:
    metrics = judged([Reading(hit_rate=0.4, allocation_count=10)])
    assert metrics.performance_impact == "critical"
    assert any("hit rate 40%" in each for each in metrics.recommendations)
