"""The bench harness: ratios have the right direction, every round is counted."""

import itertools

import pytest

from kimera_leakguard_native.bench.harness import Measurement, Options, compare, interleave


def steady(value):
    return lambda: value


def test_lower_is_better_counts_a_slower_peer_as_a_win():
    result = compare("n", "c", "ns", steady(2.0), {"peer": ("peer", steady(6.0))}, rounds=4)
    assert result.others["peer"].ratio == pytest.approx(3.0)
    assert result.ours == Measurement(2.0, 2.0, 2.0, 4)


def test_higher_is_better_counts_a_slower_peer_as_a_win_too():
    result = compare(
        "n", "c", "1/s", steady(6.0), {"peer": ("peer", steady(2.0))}, rounds=4, better="higher"
    )
    assert result.others["peer"].ratio == pytest.approx(3.0)


def test_the_first_round_is_thrown_away():
    values = itertools.count(100.0, 1.0)
    assert interleave({"a": lambda: next(values)}, rounds=3)["a"] == [101.0, 102.0, 103.0]


def test_nothing_is_checked_unless_the_caller_says_so():
    assert compare("n", "c", "ns", steady(1.0), {}, rounds=1).checked is False


def test_quick_runs_a_third_but_never_less_than_three():
    assert Options(quick=True).rounds(30) == 10
    assert Options(quick=True).rounds(4) == 3
    assert Options().rounds(4) == 4
