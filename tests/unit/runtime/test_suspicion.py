from kimera_leakguard_native.runtime.detectors.flux import Population
from kimera_leakguard_native.runtime.detectors.suspicion import ENOUGH_GROWN, MIN_GROWN, suspicion
from kimera_leakguard_native.runtime.life_table import Deaths


def steady(count):
    return [100.0 * (k + 0.5) / count for k in range(count)]


def test_a_handful_of_survivors_is_suspicious():
    # Half of the births cross the age in the last half of the time.
    assert suspicion(Population(steady(2 * MIN_GROWN)), 100.0)
    assert not suspicion(Population(steady(2)), 100.0)


def test_enough_survivors_need_no_closer_look():
    assert not suspicion(Population(steady(2 * ENOUGH_GROWN)), 100.0)


def test_a_young_run_and_a_start_up_are_not_suspicious():
    assert not suspicion(Population([birth / 20 for birth in steady(20)]), 5.0)
    assert not suspicion(Population([birth / 20 for birth in steady(20)]), 100.0)


def test_a_population_that_turns_over_is_not_suspicious():
    deaths = [Deaths(birth, birth + 40.0, 1, 64.0) for birth in (5.0, 20.0, 35.0, 50.0)]
    assert not suspicion(Population(steady(12), deaths), 100.0)
