import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimera_leakguard_native.runtime.detectors.flux import (
    Population,
    benjamini_hochberg,
    binomial_tail,
    flux,
)
from kimera_leakguard_native.runtime.life_table import Deaths


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.5, 0.25, 0.75]))
def test_the_tail_is_the_exact_sum(successes, failures, chance):
    n, p = successes + failures, Fraction(chance)
    exact = sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(successes, n + 1))
    assert binomial_tail(successes, failures, chance) == pytest.approx(float(exact), rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(st.integers(500, 900), st.integers(501, 600))
def test_the_bound_for_large_counts_is_never_below_the_tail(successes, failures):
    n = successes + failures
    exact = sum(math.comb(n, k) for k in range(successes, n + 1)) / 2**n
    assert binomial_tail(successes, failures) >= exact * (1 - 1e-9)


def test_flux_counts_crossings_and_deaths_in_the_window():
    population = Population(
        births=[0.0, 5.0, 12.0, 19.0],
        deaths=[Deaths(1.0, 15.0, 3, 0.0), Deaths(14.0, 15.0, 9, 0.0)],
    )
    result = flux(population, age=5.0, begin=8.0, end=20.0)
    assert result.grown == 2  # births at 5 and 12 crossed at 10 and 17; 0 and 1 crossed before 8
    assert result.died == 3  # those that died at the age of 1 were not old


@given(st.lists(st.floats(0, 1), max_size=40), st.floats(0.001, 0.5))
def test_rejections_are_the_smallest_values_up_to_the_step_up_rank(p_values, rate):
    rejected = benjamini_hochberg(p_values, rate)
    ordered = sorted(p_values)
    m = len(ordered)
    rank = max((k for k in range(1, m + 1) if ordered[k - 1] <= k * rate / m), default=0)
    assert sum(rejected) == rank
    kept = [p for p, out in zip(p_values, rejected, strict=True) if not out]
    gone = [p for p, out in zip(p_values, rejected, strict=True) if out]
    assert not kept or not gone or max(gone) <= min(kept)
