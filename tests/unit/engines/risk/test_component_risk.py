"""Leak risk rises with growth and with shortage of headroom, and is 0 for what is idle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimera_leakguard_native.engines.risk.component_risk import HORIZON_S, leak_risks

amounts = st.floats(0, 1e15)


@given(growth=amounts, more=amounts, headroom=amounts, less=amounts, sure=st.floats(0, 1))
def test_it_is_monotone_and_bounded(
    growth: float, more: float, headroom: float, less: float, sure: float
) -> None:
    base, faster = leak_risks([growth, growth + more], headroom, sure)
    tighter = leak_risks(growth, max(0.0, headroom - less), sure)[0]
    assert 0 <= base <= faster <= sure
    assert base <= tighter + 1e-15


def test_planted_cases() -> None:
    risks = leak_risks(
        [0, -5, 1e6, 1e6, 1e6, np.inf],
        [1e9, 1e9, 1e6 * HORIZON_S, 0, 1e15, 1e9],
        [1, 1, 1, 1, 1, 0.5],
    )
    assert risks[:2].tolist() == [0, 0]
    assert risks[2:5] == pytest.approx([0.5, 1.0, 3.6e-6], rel=1e-3)
    assert risks[5] == 0.5
    assert leak_risks([], []).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([np.nan], [1]), "growth_bytes_per_s: holds a NaN"),
        (([1], [1], [2]), "confidence"),
        (([1, 2], [1, 2, 3]), "shape"),
    ],
)
def test_bad_input(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        leak_risks(*arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="horizon_s"):
        leak_risks([1], [1], horizon_s=0)
