"""The verdict on one site from the ages of its objects.

A leak is a site whose objects, from every part of its history, stay, and go on coming. Each
condition shuts out one way in which an honest program looks like that for a while:

=============  ===================================================================================
significance   crossings of an age outnumber deaths beyond it: not chance, not a steady population
persistence    what crossed half of the history is not dying now: not a cache that turns over
balance        in the last quarter and eighth too: not a cache that has just become full
spread         survivors from the whole history: not a start-up phase, not the last tooth of a saw
inflow         survivors keep coming as fast as before, in time and per allocated byte: not a set
               that fills up and stops
=============  ===================================================================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kimera_leakguard_native.runtime.detectors.flux import Flux, Population, binomial_tail, flux

if TYPE_CHECKING:
    from collections.abc import Callable

OLD_SHARES = (1 / 6, 1 / 4, 1 / 3, 1 / 2)
"""Ages at which flux is tested, as shares of the site's history."""

LOGGED_SHARE = 1 / 8
"""Deaths at a younger age, as a share of the run, are not known: the recorder leaves them out."""

MIN_HISTORY = 10.0
"""Seconds that a site must have been growing for."""

MIN_SURVIVORS = 8
"""Sampled survivors without which nothing is called a leak."""

MIN_AFTERWARDS = 12
"""The same for those that come after a start-up."""

STRAGGLERS = 10
"""One object in so many may be from long before the others without being the beginning."""

OUTLIVING_SHARE = 1 / 50
"""Of the run, by which an object must be older than all that died: ages are known in steps."""

_OUTGROWN = "in each part of the run more grow old than die"

_COHORTS = 6

_ALIKE = 2.0
"""Log-likelihood by which a steady inflow must be likelier than one that fades as another does."""

_DEVIANCE = 5.4
"""Twice the log-likelihood ratio from which on something goes on under a decay: 1 % of chi-square
with one degree, on one side. Less of it calls containers that fill up slowly leaks, more of it
misses leaks that follow a start-up."""

_FACTORS = [k / 20 for k in range(1, 20)]
_HALVINGS = 8


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the ages say.

    Attributes
    ----------
    p_value : float
        Of the flux test, corrected for the number of ages tried.
    shape : str
        ``leak`` (all conditions but significance among all sites hold), ``warm-up`` (grew and is
        fading), ``bounded`` (as many go as come, or nothing grows old) or ``undecided``.
    reason : str
        In words and numbers.
    survivors : int
        Sampled objects alive beyond the youngest age tested.
    history : float
        Seconds since the first of them was born.
    kept : tuple of float, optional
        First and last birth of what stays, where the site has other objects that do not.
    thirds : tuple of int, optional
        Survivors by thirds of the history.
    """

    p_value: float
    shape: str
    reason: str
    survivors: int
    history: float
    kept: tuple[float, float] | None = None
    thirds: tuple[int, int, int] | None = None

    def fades_like(self, other: Assessment) -> bool:
        """Whether its survivors come as those of another site, rather than steadily.

        Compares the likelihoods of the thirds; in doubt it is True.
        """
        if self.thirds is None or other.thirds is None:
            return False
        total = sum(other.thirds) + 3
        shares = [(count + 1) / total for count in other.thirds]
        ratio = sum(n * math.log(3 * share) for n, share in zip(self.thirds, shares, strict=True))
        return ratio > -_ALIKE


def assess(
    population: Population, now: float, activity: Callable[[float, float], float] | None = None
) -> Assessment:
    """Judge one population.

    Parameters
    ----------
    now : float
        Seconds since the start.
    activity : callable, optional
        How much the whole process allocated between two times, in any unit.
    """
    # What dies younger than that by now is churn, not part of the site's history.
    start = _beginning(population, now)
    history = now - start
    if not population.births or not math.isfinite(start):
        return Assessment(1.0, "bounded", "nothing of it is alive", 0, 0.0)
    youngest = max(history * OLD_SHARES[0], now * LOGGED_SHARE)
    survivors = sorted(b for b in population.births if b >= start and now - b >= youngest)
    count = len(survivors)

    cohorts = _counts(survivors, start, now - youngest, _COHORTS)
    thirds = (sum(cohorts[:2]), sum(cohorts[2:4]), sum(cohorts[4:]))

    def result(shape: str, reason: str, p_value: float = 1.0) -> Assessment:
        return Assessment(p_value, shape, reason, count, history, thirds=thirds)

    if count < 3:
        return result("bounded", f"{_objects(count)} older than {youngest:.1f} s")
    p_value, age, grown = _significance(population, now, history)
    recent = [flux(population, age, now - history / part, now) for part in (2, 4, 8)]
    out_of = (
        f"{grown.grown} sampled objects passed the age of {age:.1f} s, {grown.died} died beyond it"
    )
    if any(_turning_over(one) for one in recent):
        outlived = _outliving(population, start, now, activity)
        if outlived is not None:
            reason = f"{outlived.reason}; {out_of}"
            return replace(result("leak", reason, outlived.p_value), kept=(start, outlived.end))
        if _outgrowing(population, youngest, start, now):
            return result("leak", f"{_OUTGROWN}; {out_of}", p_value)
        return result("bounded", f"as many old objects go as come: {out_of}", p_value)
    if sum(cohorts[2:]) == 0:
        return result("bounded", f"all of it from the first {history / 3:.0f} s, static since")
    if (fading := _fading(survivors, start, now - youngest, activity)) is not None:
        return result("warm-up", f"{fading}; {out_of}", p_value)
    if history < max(MIN_HISTORY, now / 3):
        more = max(start + MIN_HISTORY, 1.5 * start) - now
        return result(
            "undecided",
            f"grows since {history:.1f} s only, too short to judge; {more:.0f} s more of the same"
            f" would decide; {out_of}",
            p_value,
        )
    if count < MIN_SURVIVORS:
        needed = now * (MIN_SURVIVORS + 2) / count
        return result(
            "undecided",
            f"{_objects(count)} survive; about {needed:.0f} s of the same would decide; {out_of}",
            p_value,
        )
    occupied = sum(1 for size in cohorts if size > 0)
    half = flux(population, history / 2, start + history / 2, now)
    if occupied < 4 or sum(cohorts[:2]) == 0 or half.grown < 2 or half.died * 2 > half.grown:
        if _outgrowing(population, youngest, start, now):
            return result("leak", f"{_OUTGROWN}; {out_of}", p_value)
        return result(
            "undecided",
            f"survivors come from {occupied} of {_COHORTS} parts of {history:.0f} s only; {out_of}",
            p_value,
        )
    verdict = result(
        "leak",
        f"{out_of}; {_objects(count)} survive from {occupied} of {_COHORTS} parts of"
        f" {history:.0f} s and the inflow does not fade",
        p_value,
    )
    outlived = _outliving(population, start, now, activity) if population.deaths else None
    if outlived is None:
        return verdict
    # Two tests of the same, of which the better counts: what dies besides may hide the first.
    p_value = min(1.0, 2.0 * min(p_value, outlived.p_value))
    return replace(verdict, p_value=p_value, kept=(start, outlived.end))


@dataclass(frozen=True, slots=True)
class _Outliving:
    p_value: float
    reason: str
    end: float


def _outliving(
    population: Population,
    start: float,
    now: float,
    activity: Callable[[float, float], float] | None,
) -> _Outliving | None:
    """Look for a leak at a line whose other objects do die.

    Objects alive that are older than any that died of age, from all of the history that such old
    ones can come from: a container that is emptied, or evicts, leaves none behind.
    """
    ages = [one.death - one.birth for one in population.deaths]
    limit = max(ages, default=0.0) + OUTLIVING_SHARE * now
    end = now - limit
    if end - start < max(MIN_HISTORY / 2, (now - start) / 5):
        return None
    survivors = [birth for birth in population.births if start <= birth <= end]
    cohorts = _counts(survivors, start, end, _COHORTS)
    if len(survivors) < MIN_SURVIVORS or sum(1 for size in cohorts if size) < 5:
        return None
    if _fading(survivors, start, end, activity) is not None:
        return None
    died = sum(
        one.count for one, age in zip(population.deaths, ages, strict=True) if age > limit / 2
    )
    return _Outliving(
        binomial_tail(len(survivors), 0),
        f"{_objects(len(survivors))} from {end - start:.0f} s outlive all of the {died} that died"
        f" at the age of {limit / 2:.0f} to {limit:.0f} s",
        end,
    )


def _outgrowing(population: Population, age: float, start: float, now: float) -> bool:
    """Whether old objects go all the time, and more come: a queue that is served too slowly.

    What survives is never from the early history then. Deaths in every part tell it from a
    container that has been emptied and fills again.
    """
    part = (now - start) / 6
    flows = [flux(population, age, now - k * part, now - (k - 1) * part) for k in (3, 2, 1)]
    if any(one.grown < MIN_SURVIVORS or one.p_value > 0.2 for one in flows):
        return False
    if any(one.died < 0.15 * one.grown for one in flows):
        return False
    if binomial_tail(sum(one.grown for one in flows), sum(one.died for one in flows)) > 1e-4:
        return False
    nets = [one.grown - one.died for one in flows]
    return sum(nets[1:]) >= 1.2 * nets[0]


def _beginning(population: Population, now: float) -> float:
    """Find when the site began to keep objects; a few stragglers long before it are left out."""
    age = now * LOGGED_SHARE
    births = sorted(
        [birth for birth in population.births if now - birth >= age]
        + [one.birth for one in population.deaths if one.death - one.birth >= age]
    )
    if not births:
        return population.first_birth(age)
    for few in range(min(len(births) // STRAGGLERS, len(births) - 1), 0, -1):
        if births[few] - births[few - 1] > (now - births[few - 1]) / 5:
            return births[few]
    return births[0]


def _significance(population: Population, now: float, history: float) -> tuple[float, float, Flux]:
    tests = []
    for share in OLD_SHARES:
        age = max(history * share, now * LOGGED_SHARE)
        one = flux(population, age, now - history / 2, now)
        tests.append((one.p_value, age, one))
    p_value, age, best = min(tests, key=lambda test: test[0])
    return min(1.0, p_value * len(tests)), age, best


def _turning_over(recent: Flux) -> bool:
    return recent.died >= 3 and recent.died * 2 > recent.grown


def _counts(survivors: list[float], start: float, end: float, parts: int) -> list[int]:
    counts = [0] * parts
    span = max(end - start, 1e-9)
    for birth in survivors:
        counts[min(parts - 1, int((birth - start) / span * parts))] += 1
    return counts


def _fading(
    survivors: list[float],
    start: float,
    end: float,
    activity: Callable[[float, float], float] | None,
) -> str | None:
    """Say how the inflow of survivors fades, or None if it does not."""
    first, middle, last = _counts(survivors, start, end, 3)
    third = (end - start) / 3
    if last == 0 and first + middle >= 5:
        return f"no survivor from the last {third:.0f} s before that age"
    # Less work in the last third excuses fewer survivors; more work does not demand more of them.
    after_first = after_middle = 1.0
    if activity is not None:
        load = [activity(start + k * third, start + (k + 1) * third) for k in range(3)]
        after_first = min(1.0, load[2] / load[0]) if load[0] > 0 else 1.0
        after_middle = min(1.0, load[2] / load[1]) if load[1] > 0 else 1.0
    slower = last < 0.5 * after_first * first
    surely = binomial_tail(first, last, 1 / (1 + after_first)) < 0.01
    decays = slower and surely and not _goes_on(survivors, start, end, activity)
    # The inflow of a cache whose keys are asked for by popularity falls like 1/t, not so fast.
    slowing = first > middle and last < 0.75 * after_middle * middle
    sinks = slower and slowing and binomial_tail(middle, last, 1 / (1 + after_middle)) < 0.01
    # What goes on after a start-up must be able to stand by itself.
    scarce = middle + last < MIN_AFTERWARDS and first > 2 * middle
    scarce = scarce and binomial_tail(first, middle) < 0.05
    if decays or sinks or scarce:
        return f"the inflow fades: {first}, {middle}, {last} survivors by thirds"
    return None


def _goes_on(
    survivors: list[float],
    start: float,
    end: float,
    activity: Callable[[float, float], float] | None,
) -> bool:
    """Whether something that does not fade is left when a decay has been taken off.

    Compares, by their largest likelihoods, a decay by one factor from part to part of the history
    with such a decay and a steady inflow, both times the load where that is less than at first.
    """
    cohorts = _counts(survivors, start, end, _COHORTS)
    load = [1.0] * _COHORTS
    if activity is not None:
        part = (end - start) / _COHORTS
        did = [activity(start + k * part, start + (k + 1) * part) for k in range(_COHORTS)]
        usual = sum(did[: _COHORTS // 3]) / (_COHORTS // 3)
        load = [min(1.0, one / usual) if one > 0 and usual > 0 else 1.0 for one in did]
    total = sum(load)
    steady = [share / total for share in load]
    decay_alone = both = -math.inf
    for factor in _FACTORS:
        weights = [share * factor**k for k, share in enumerate(load)]
        decay = [weight / sum(weights) for weight in weights]
        decay_alone = max(decay_alone, _log_likelihood(cohorts, decay, steady, 0.0))
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):  # the likelihood is concave in the share
            one, other = low + 0.4 * (high - low), low + 0.6 * (high - low)
            below = _log_likelihood(cohorts, decay, steady, one)
            if below < _log_likelihood(cohorts, decay, steady, other):
                low = one
            else:
                high = other
        both = max(both, _log_likelihood(cohorts, decay, steady, (low + high) / 2))
    return 2 * (both - decay_alone) > _DEVIANCE


def _log_likelihood(
    cohorts: list[int], decay: list[float], steady: list[float], share: float
) -> float:
    return sum(
        count * math.log((1 - share) * a + share * b)
        for count, a, b in zip(cohorts, decay, steady, strict=True)
        if count
    )


def _objects(count: int) -> str:
    return f"{count} sampled object{'' if count == 1 else 's'}"
