"""Old-generation flux: whether more objects grow old than old ones die."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimera_leakguard_native.runtime.life_table import Deaths


@dataclass(slots=True)
class Population:
    """The sampled objects of one site.

    Attributes
    ----------
    births : list of float
        Of those alive now, in seconds since the start.
    deaths : list of Deaths
        Of those that died old.
    """

    births: list[float] = field(default_factory=list)
    deaths: list[Deaths] = field(default_factory=list)

    def first_birth(self, age: float) -> float:
        """Give the first birth of those alive, or that died beyond an age; infinite without any."""
        old = (one.birth for one in self.deaths if one.death - one.birth >= age)
        return min(min(self.births, default=math.inf), min(old, default=math.inf))

    def at(self, time: float) -> Population:
        """Give the population as it was at an earlier time, less what was to die young."""
        births = [birth for birth in self.births if birth <= time]
        deaths = []
        for one in self.deaths:
            if one.death <= time:
                deaths.append(one)
            elif one.birth <= time:
                births += [one.birth] * one.count
        return Population(births, deaths)


@dataclass(frozen=True, slots=True)
class Flux:
    """Objects that crossed an age within a window of time, and such old ones that died in it."""

    grown: int
    died: int

    @property
    def p_value(self) -> float:
        """Chance of at least so many crossings if crossings and deaths were equally likely."""
        return binomial_tail(self.grown, self.died)


def flux(population: Population, age: float, begin: float, end: float) -> Flux:
    """Count crossings of an age and deaths beyond it, in (begin, end].

    Parameters
    ----------
    age : float
        Seconds; objects beyond it are old.
    begin, end : float
        Seconds since the start.
    """
    grown = sum(1 for birth in population.births if begin < birth + age <= end)
    died = 0
    for one in population.deaths:
        if one.death - one.birth < age:
            continue
        if begin < one.birth + age <= end:
            grown += one.count
        if begin < one.death <= end:
            died += one.count
    return Flux(grown, died)


def binomial_tail(successes: int, failures: int, chance: float = 0.5) -> float:
    """P[Binomial(n, chance) >= successes], n = successes + failures; exact up to n = 1000.

    Beyond that Hoeffding's bound exp(-2 n (s/n - chance)^2) is given, which is never too small.
    """
    n = successes + failures
    if successes <= 0:
        return 1.0
    if n <= 1000:
        other = 1.0 - chance
        terms = (math.comb(n, k) * chance**k * other ** (n - k) for k in range(successes, n + 1))
        return min(1.0, math.fsum(terms))
    excess = successes / n - chance
    return math.exp(-2.0 * n * excess * excess) if excess > 0 else 1.0


def benjamini_hochberg(p_values: Sequence[float], rate: float) -> list[bool]:
    """Say which hypotheses to reject so that at most this share of them is rejected wrongly.

    Notes
    -----
    Benjamini and Hochberg 1995: reject the k smallest, for the largest k with p_(k) <= k rate / m.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    passed = 0
    for rank, index in enumerate(order, start=1):
        if p_values[index] <= rank * rate / len(p_values):
            passed = rank
    rejected = [False] * len(p_values)
    for index in order[:passed]:
        rejected[index] = True
    return rejected
