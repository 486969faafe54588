"""The verdict on one site, over many simulated lives: bounds on false alarms and on misses."""

import bisect
import math

import pytest

from kimera_leakguard_native.runtime.detectors import ages
from kimera_leakguard_native.runtime.detectors.flux import Population
from kimera_leakguard_native.runtime.life_table import Deaths
from simulated import behaviours

SEEDS = 60
SIGNIFICANT = 0.01  # what a site that is alone in its run must reach


def assess(lives, now=behaviours.LENGTH):
    alive, deaths = behaviours.observe(lives, now)
    times = sorted(birth for birth, _ in lives)

    def activity(begin, end):
        return bisect.bisect(times, end) - bisect.bisect(times, begin)

    return ages.assess(Population(alive, deaths), now, activity)


def share_of_leaks(behaviour):
    found = 0
    for seed in range(1000, 1000 + SEEDS):
        result = assess(behaviours.simulate(behaviour, seed))
        found += result.shape == "leak" and result.p_value <= SIGNIFICANT
    return found / SEEDS


def test_false_alarms_over_all_clean_behaviours_are_rare():
    shares = {one.__name__: share_of_leaks(one) for one in behaviours.CLEAN}
    assert sum(shares.values()) / len(shares) <= 0.005, shares
    slow = {one.__name__: share_of_leaks(one) for one in behaviours.SLOW_CLEAN}
    assert slow.pop("slowly_saturating") <= 0.04
    assert max(slow.values()) <= 0.02, slow


def test_leaks_of_all_behaviours_are_found():
    shares = {
        one.__name__: share_of_leaks(one) for one in behaviours.LEAKING + behaviours.SLOW_LEAKING
    }
    common = [shares[one.__name__] for one in behaviours.LEAKING]
    assert sum(common) / len(common) >= 0.95, shares
    # What goes on under a start-up is called a leak only where no decay explains all of it.
    assert shares.pop("leak_after_start_up") >= 0.55
    # A queue that is served nearly as fast as it fills is bounded for all that ages show.
    assert shares.pop("backlog") >= 0.35
    assert min(shares.values()) >= 0.85, shares


def test_a_few_stragglers_from_long_ago_do_not_hide_a_late_leak():
    late = births(35, 60, 60)
    assert ages.assess(Population(late, []), 60.0).shape == "leak"
    assert ages.assess(Population([2.0, 9.0, *late], []), 60.0).shape == "leak"


def births(start, stop, count):
    return [start + (stop - start) * (k + 0.5) / count for k in range(count)]


def test_even_survivors_are_a_leak():
    result = ages.assess(Population(births(0, 60, 30), []), 60.0)
    assert result.shape == "leak"
    assert result.p_value < 1e-3
    assert "0 died beyond it" in result.reason


def test_a_short_history_is_undecided_and_says_so():
    result = ages.assess(Population(births(0, 6, 30), []), 6.0)
    assert result.shape == "undecided"
    assert "too short to judge; 4 s more of the same would decide" in result.reason


def test_few_survivors_are_undecided_and_say_how_long_it_would_take():
    result = ages.assess(Population(births(0, 60, 6), []), 60.0)
    assert result.shape == "undecided"
    assert "about 120 s of the same would decide" in result.reason


def test_growth_that_stopped_early_is_static():
    result = ages.assess(Population(births(0, 10, 100), []), 60.0)
    assert result.shape == "bounded"
    assert "static since" in result.reason


def test_growth_that_slows_down_is_a_warm_up():
    slowing = [-12.0 * math.log(1 - k / 200) for k in range(199)]
    result = ages.assess(Population(slowing, []), 60.0)
    assert result.shape == "warm-up"
    assert "fades" in result.reason


def test_nothing_alive_is_bounded():
    assert ages.assess(Population([], [Deaths(1.0, 40.0, 50, 100.0)]), 60.0).shape == "bounded"


def test_a_cache_that_became_full_just_before_the_end_is_bounded():
    stay = 50.0
    died = [Deaths(b, b + stay, 3, 100.0) for b in births(0, 60 - stay, 40)]
    alive = births(60 - stay, 60, 600)
    assert ages.assess(Population(alive, died), 60.0).shape == "bounded"


@pytest.mark.parametrize("period", [12.0, 17.0, 20.0, 25.0, 31.0, 40.0, 45.0, 55.0])
def test_no_phase_of_a_sawtooth_is_a_leak(period):
    for now in [40.0 + k for k in range(25)]:
        times = births(0, now, int(now * 8))
        alive = [b for b in times if (b // period + 1) * period > now]
        died = [
            Deaths(b, (b // period + 1) * period, 1, 100.0)
            for b in times
            if (b // period + 1) * period <= now and (period - b % period) * 8 >= now
        ]
        if now < period:
            continue
        assert ages.assess(Population(alive, died), now).shape != "leak", now
