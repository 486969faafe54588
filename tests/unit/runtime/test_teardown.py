import pytest

from kimera_leakguard_native.runtime.life_table import Life
from kimera_leakguard_native.runtime.teardown import judged_until


def deaths(*times):
    return [Life(0.0, time, 10, 1, 1e9) for time in times]


def test_the_last_second_is_never_judged():
    assert judged_until([], 0, 60.0) == pytest.approx(59.0)
    assert judged_until([], 0, 2.0) == pytest.approx(1.8)
    assert judged_until(deaths(*[59.9] * 500), 10, 60.0) == pytest.approx(59.0)


def test_a_long_teardown_is_left_out_from_where_it_begins():
    dying = deaths(*(56.0 + 0.01 * k for k in range(400)))
    assert judged_until(dying, 10, 60.0) == pytest.approx(56.0, abs=0.21)


def test_usual_turnover_is_no_teardown():
    usual = deaths(*(48.0 + 0.01 * k for k in range(1200)))
    assert judged_until(usual, 4800, 60.0) == pytest.approx(59.0)


def test_a_flush_before_the_end_stays_in():
    assert judged_until(deaths(*[57.0] * 500), 10, 60.0) == pytest.approx(59.0)
