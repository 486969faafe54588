"""Lives of the sampled objects of one site, clean and leaking; what `research` calls behaviours.

A run lasts 60 windows; each behaviour draws its rates, so that no rule is tuned to one case.
"""

import math
import random

from kimera_leakguard_native.runtime.life_table import Life, LifeTable

LENGTH = 60.0
FOREVER = math.inf
SIZE = 100
"""Bytes of each object."""


def poisson(rng, rate):
    """Number of events; the sum of exponential gaps."""
    count, time = 0, rng.expovariate(1.0)
    while time < rate:
        count += 1
        time += rng.expovariate(1.0)
    return count


def births(rng, rate):
    """Birth times of a process whose rate is a function of time."""
    times = []
    for window in range(int(LENGTH)):
        times += [window + rng.random() for _ in range(poisson(rng, rate(window)))]
    return sorted(times)


def churn(rng, rate, life):
    return [(birth, birth + rng.expovariate(1 / life)) for birth in births(rng, rate)]


def kept(rng, rate):
    return [(birth, FOREVER) for birth in births(rng, rate)]


def diurnal(rng, base):
    period, phase = rng.uniform(24, 40), rng.random()
    return lambda t: base * (1 + 0.9 * math.sin(2 * math.pi * (t / period + phase)))


def steady(rng):
    rate = rng.uniform(3, 40)
    return churn(rng, lambda _: rate, rng.uniform(0.3, 4))


def start_up(rng):
    until, rate = rng.randrange(6, 16), rng.uniform(2, 10)
    return kept(rng, lambda t: rate if t < until else 0) + churn(rng, lambda _: 5, 0.5)


def bounded_cache(rng):
    rate, stay = rng.uniform(1, 6), rng.uniform(5, 18)
    return [(b, b + stay * (1 + 0.05 * rng.gauss(0, 1))) for b in births(rng, lambda _: rate)]


def slow_bounded_cache(rng):
    rate, stay = rng.uniform(1, 6), rng.uniform(18, 50)
    return [(b, b + stay * (1 + 0.02 * rng.gauss(0, 1))) for b in births(rng, lambda _: rate)]


def teeth(rng, period):
    phase, rate = rng.uniform(0, 10), rng.uniform(1, 6)
    return [
        (b, (math.floor((b + phase) / period) + 1) * period - phase)
        for b in births(rng, lambda _: rate)
    ]


def sawtooth(rng):
    return teeth(rng, rng.uniform(5, 20))


def slow_sawtooth(rng):
    return teeth(rng, rng.uniform(20, 45))


def day_and_night(rng):
    return churn(rng, diurnal(rng, rng.uniform(5, 30)), rng.uniform(0.5, 3))


def random_load(rng):
    level, loads = 0.0, []
    for _ in range(int(LENGTH)):
        level += -level / 10 + 0.35 * rng.gauss(0, 1)
        loads.append(math.exp(level))
    base = rng.uniform(4, 20)
    return churn(rng, lambda t: base * loads[int(t)], rng.uniform(0.5, 3))


def step_load(rng):
    low, at = rng.uniform(4, 20), rng.randrange(15, 45)
    high = low * rng.uniform(1.5, 3)
    return churn(rng, lambda t: low if t < at else high, rng.uniform(0.5, 3))


def filling(rng, tau):
    size = rng.uniform(20, 80)
    return kept(rng, lambda t: size * (math.exp(-t / tau) - math.exp(-(t + 1) / tau))) + churn(
        rng, lambda _: 5, 0.5
    )


def saturating(rng):
    return filling(rng, rng.uniform(3, 9))


def slowly_saturating(rng):
    return filling(rng, rng.uniform(9, 15))


def bursts(rng):
    period, time, k, lives = rng.uniform(8, 14), rng.uniform(0, 5), 0, []
    while time < LENGTH:
        end = time + rng.uniform(2, 4)
        lives += [(time, end)] * poisson(rng, 10 + 4 * k)
        time += period
        k += 1
    return lives + churn(rng, lambda _: 3, 0.5)


def leak(rng):
    rate = rng.uniform(0.4, 4)
    return kept(rng, lambda _: rate)


def leak_in_churn(rng):
    rate, load = rng.uniform(0.4, 3), rng.uniform(10, 60)
    return kept(rng, lambda _: rate) + churn(rng, lambda _: load, rng.uniform(0.2, 1.5))


def leak_under_diurnal_churn(rng):
    rate = rng.uniform(0.5, 3)
    return kept(rng, lambda _: rate) + churn(rng, diurnal(rng, 20), 1.0)


def late_leak(rng):
    at, rate = rng.randrange(20, 35), rng.uniform(0.8, 4)
    return kept(rng, lambda t: rate if t >= at else 0) + churn(rng, lambda _: 15, 1.0)


def stepwise_leak(rng):
    first, every, size = rng.randrange(5), rng.randrange(5, 10), rng.uniform(3, 10)
    return kept(rng, lambda t: size if t >= first and (t - first) % every == 0 else 0) + churn(
        rng, lambda _: 8, 0.7
    )


def leak_on_sawtooth(rng):
    rate = rng.uniform(0.5, 2)
    return kept(rng, lambda _: rate) + sawtooth(rng)


def leak_on_slow_sawtooth(rng):
    rate = rng.uniform(0.5, 2)
    return kept(rng, lambda _: rate) + slow_sawtooth(rng)


def leak_with_load(rng):
    load, share = diurnal(rng, 1.0), rng.uniform(0.6, 3)
    return kept(rng, lambda t: load(t) * share) + churn(rng, lambda t: load(t) * 15, 1.0)


def leak_after_start_up(rng):
    rate = rng.uniform(0.5, 3)
    return kept(rng, lambda _: rate) + start_up(rng)


def backlog(rng):
    rate, served = rng.uniform(3, 12), rng.uniform(0.4, 0.7)
    return [(birth, birth / served) for birth in births(rng, lambda _: rate)]


CLEAN = (
    steady,
    start_up,
    bounded_cache,
    sawtooth,
    day_and_night,
    random_load,
    step_load,
    saturating,
    bursts,
)
LEAKING = (
    leak,
    leak_in_churn,
    leak_under_diurnal_churn,
    late_leak,
    stepwise_leak,
    leak_on_sawtooth,
    leak_with_load,
    leak_after_start_up,
)
SLOW_CLEAN = (slow_bounded_cache, slow_sawtooth, slowly_saturating)
"""Clean, and the same as a leak until something has died of age or has filled up."""
SLOW_LEAKING = (leak_on_slow_sawtooth, backlog)
"""Hidden by what dies at the same line: emptied now and then, or served in order too slowly."""


def simulate(behaviour, seed):
    """Give the (birth, death) pairs of a run."""
    return behaviour(random.Random(f"{behaviour.__name__} {seed}"))


def leak_begins(behaviour, seed):
    """Give the window in which the leak of a run begins; 0 for all that leak from the start."""
    if behaviour is not late_leak:
        return 0
    return random.Random(f"{behaviour.__name__} {seed}").randrange(20, 35)


def observe(lives, now, share=8):
    """Give live births and a life table as the recorder would leave them at a time."""
    table = LifeTable(1.0)
    alive = [birth for birth, death in lives if birth <= now < death]
    table.add(
        Life(birth, death, SIZE, 1, 1e9)
        for birth, death in lives
        if death <= now and (death - birth) * share >= death
    )
    return alive, list(table.deaths(1, 1.0))
