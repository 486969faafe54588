"""Trends of memory snapshots, beside figures worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimera_leakguard_native.guardian import trends


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([], "INSUFFICIENT_DATA"),
        ([1, 2], "INSUFFICIENT_DATA"),
        ([100, 100, 100], "STABLE"),
        ([100, 105, 110], "STABLE"),  # exactly 5 a sample
        ([100, 106, 112], "INCREASING"),
        ([112, 106, 100], "DECREASING"),
        ([10, 100, 10, 100], "VOLATILE"),
        ([0, 0, 0], "STABLE"),
    ],
)
def test_classify(values: list[float], name: str) -> None:
    assert trends.classify(values) == name


def test_growth_is_led_on_to_a_minute_only_from_ten_seconds() -> None:
    assert trends.growth_mb_per_min([0, 5, 10], [0, 1, 2]) == pytest.approx(12)
    assert trends.growth_mb_per_min([0, 0.001, 0.002], [0, 1, 2]) == 0
    assert trends.growth_mb_per_min([0, 60], [0, 1]) == 0
    assert trends.growth_mb_per_min([], []) == 0


@given(
    st.lists(st.floats(0, 1e6), max_size=20),
    st.floats(0, 100),
    st.integers(0, 100),
    st.integers(0, 100),
)
def test_efficiency_lies_between_0_and_1(
    values: list[float], hours: float, alerts: int, leaks: int
) -> None:
    assert 0 <= trends.efficiency(values, hours, alerts, leaks) <= 1


def test_efficiency_of_a_calm_series_is_full() -> None:
    assert trends.efficiency([100, 100], 1, 0, 0) == 1
    assert trends.efficiency([100, 100], 1, 5, 0) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert trends.efficiency([100] * 20, 1, 0, 1) == pytest.approx((1 + 1 + 1 + 0.5) / 4)
