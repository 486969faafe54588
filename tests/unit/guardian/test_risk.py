"""The risk score: bounded, monotone, and able to reach its alert."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimera_leakguard_native.guardian.risk import risk_score

anything = st.floats(allow_nan=True, allow_infinity=True)
signs = st.fixed_dictionaries(
    {
        "growth_mb_per_min": st.floats(-1e3, 1e3),
        "active_allocations": st.integers(0, 10**6),
        "gpu_memory_mb": st.floats(0, 1e5),
        "call_depth": st.integers(0, 10**4),
    }
)


@given(anything, anything, anything, anything, anything)
def test_lies_between_0_and_1(a: float, b: float, c: float, d: float, e: float) -> None:
    score = risk_score(
        growth_mb_per_min=a,
        active_allocations=b,
        gpu_memory_mb=c,
        memory_efficiency=d,
        call_depth=e,
    )
    assert 0 <= score <= 1


@given(signs, st.sampled_from(["growth_mb_per_min", "active_allocations", "gpu_memory_mb"]))
def test_more_of_a_sign_is_never_less_risk(values: dict, name: str) -> None:
    more = values | {name: values[name] + 10}
    assert risk_score(**more) >= risk_score(**values)
    assert risk_score(**values, sensitivity=0.9) >= risk_score(**values, sensitivity=0.8)
    assert risk_score(**values, sensitivity=0) == 0


def test_nothing_to_see_is_no_risk() -> None:
    assert risk_score() == 0


@pytest.mark.parametrize(
    ("growth", "score"), [(20, 0.2), (50, 0.5), (100, 0.8), (75, 0.65), (500, 1.0)]
)
def test_growth_scores_its_steps(growth: float, score: float) -> None:
    assert risk_score(growth_mb_per_min=growth) == pytest.approx(score)


def test_one_strong_sign_passes_the_alert_threshold() -> None:
    assert risk_score(growth_mb_per_min=100) > 0.7
    assert risk_score(active_allocations=60_000) > 0.7
    assert risk_score(gpu_memory_mb=2_000) > 0.7
