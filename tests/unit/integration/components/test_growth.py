from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimera_leakguard_native.integration.components.growth import FEWEST, KEPT, Series


def series(values: list[float], step: float = 10.0) -> Series:
    made = Series()
    for index, value in enumerate(values):
        made.add(index * step, value)
    return made


def test_a_line_has_its_slope_and_no_doubt() -> None:
    growth = series([1000.0 + 50.0 * i for i in range(20)]).growth()
    assert growth.per_s == pytest.approx(5.0)
    assert growth.confidence > 0.999


@pytest.mark.parametrize(
    "values",
    [
        [7.0] * 30,
        [float(i % 2) for i in range(30)],
        [float(i % 7) for i in range(40)],
        [100.0 - i for i in range(30)],
        [1.0, 2.0, 3.0],
        [],
    ],
    ids=["constant", "alternating", "sawtooth", "falling", "too few", "none"],
)
def test_what_does_not_grow_has_no_confidence(values: list[float]) -> None:
    assert series(values).growth().confidence < 0.6


def test_noise_is_seldom_taken_for_growth() -> None:
    source = random.Random(7)
    sure = sum(
        series([source.gauss(0, 1) for _ in range(32)]).growth().confidence > 0.95
        for _ in range(400)
    )
    # 1 - 2p > 0.95 means p < 0.025.
    assert sure / 400 < 0.06


def test_growth_in_noise_is_seen() -> None:
    source = random.Random(7)
    growth = series([10.0 * i + source.gauss(0, 30) for i in range(64)]).growth()
    assert growth.per_s == pytest.approx(1.0, rel=0.2)
    assert growth.confidence > 0.99


@given(st.lists(st.floats(-1e12, 1e12), max_size=KEPT + 20), st.floats(0.0, 1e3))
def test_growth_is_never_negative_and_confidence_a_share(values: list[float], step: float) -> None:
    growth = series(values, step).growth()
    assert growth.per_s >= 0.0
    assert 0.0 <= growth.confidence <= 1.0


@given(st.floats(0.1, 1e6), st.floats(0.1, 1e6))
def test_a_steeper_line_grows_faster(one: float, other: float) -> None:
    slow, fast = sorted((one, other))
    lines = [series([slope * i for i in range(12)]).growth() for slope in (slow, fast)]
    assert lines[0].per_s <= lines[1].per_s


def test_a_restart_forgets_all_but_the_last_reading() -> None:
    made = series([float(i) for i in range(30)])
    made.restart()
    assert made.newest == 29.0
    for index in range(FEWEST - 2):
        made.add(1000.0 + index, 29.0)
    assert made.growth() == (0.0, 0.0)


def test_memory_is_bounded() -> None:
    made = series([0.0] * 1000 + [float(i) for i in range(KEPT)])
    assert made.growth().confidence > 0.99
