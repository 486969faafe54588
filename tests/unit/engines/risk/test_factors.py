"""The entropy of changes is numpy's histogram, and bad figures are named."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimera_leakguard_native.engines.risk import factors
from kimera_leakguard_native.engines.risk.batch import entropies

changes = st.lists(
    st.one_of(
        st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6),
        st.integers(-3, 3).map(float),
    ),
    min_size=0,
    max_size=60,
)


def by_numpy(values: list[float]) -> float:
    if len(values) < 2:
        return 1.0
    densities = np.histogram(values, bins=10, density=True)[0] + 1e-10
    return float(-np.sum(densities * np.log(densities)))


@given(values=changes)
def test_entropy_is_that_of_numpys_histogram(values: list[float]) -> None:
    assert math.isclose(factors.entropy(values), by_numpy(values), rel_tol=1e-9, abs_tol=1e-9)


@given(series=st.lists(st.none() | changes, max_size=8))
def test_many_series_at_once_give_the_same(series: list[list[float] | None]) -> None:
    expected = [factors.entropy(values or []) for values in series]
    assert np.allclose(entropies(series), expected, rtol=1e-12, atol=1e-12)


def test_values_that_no_bins_can_part_are_an_error() -> None:
    close = [1.0, math.nextafter(1.0, 2.0)]
    wide = [-1.7e308, 1.7e308]
    for values in (wide,):
        with pytest.raises(ValueError, match="no ten bins"):
            factors.entropy(values)
        with pytest.raises(ValueError, match="no ten bins"):
            entropies([values])
    assert math.isfinite(factors.entropy(close))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"volatility": float("nan")}, r"\['volatility'\]: expected a finite number of at least 0"),
        ({"volume": -1}, r"\['volume'\]: .* at least 0, got -1"),
        ({"momentum": "up"}, r"\['momentum'\]: expected a number, got 'up'"),
        ({"price_changes": [1, float("inf")]}, r"\['price_changes'\]: expected finite numbers"),
        ({"volume_changes": 7}, r"\['volume_changes'\]: expected a sequence"),
    ],
)
def test_bad_market_data_are_named(data: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        factors.market_of(data)
