"""From ages to verdicts: all sites of a run together, and the process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kimera_leakguard_native.model.site import SiteVerdict
from kimera_leakguard_native.runtime.detectors import ages
from kimera_leakguard_native.runtime.detectors.enlarging import Enlarging, enlarging
from kimera_leakguard_native.runtime.detectors.flux import (
    Population,
    benjamini_hochberg,
    flux,
)
from kimera_leakguard_native.runtime.snapshot import live_bytes
from kimera_leakguard_native.runtime.stack_lives import (
    StackLives,
    population_of,
    recycled_pool,
    sizes_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kimera_leakguard_native.model.frame import Frame
    from kimera_leakguard_native.runtime.detectors.native import NativeGrowth
    from kimera_leakguard_native.runtime.detectors.retention import Retention

FALSE_DISCOVERY_RATE = 0.01
"""Share of the sites called a leak that may be wrong by chance."""

MINOR_SHARE = 0.05
"""A site that grows by less than this share of the fastest one is minor."""

MINOR_P = 1e-6
"""What a minor site must reach: the interpreter's free lists hand blocks from one line to another,
so that a strong leak leaves faint traces at lines that are innocent. The same is asked of a site
that has only such blocks."""

ALONE_P = 1e-3
"""What a single stack of a line must reach, times the number of its stacks."""

CONFIRMED_LOOKS = (0.85, 0.7)
"""Shares of the run at which a leak must have looked like one too, to be called confirmed."""

OWN_BLOCKS = 3
"""Sampled blocks that hold one object all their life, from which on they alone are judged."""

_NOT_SIGNIFICANT = "; p = {p:.2g} is not enough among the sites of this run"
_COMPANION = "; what fills up beside it, {companion}, fades in the same way"

_SHARED_BLOCKS = (
    "; all of it floats, lists, dicts or tuples, whose blocks the interpreter hands from line to"
    " line: more likely what another line leaks"
)

_EXCHANGED = (
    "; all of it floats, lists, dicts or tuples, of whose blocks the interpreter has as many as"
    " before: other lines gave back what this one took"
)

MIN_SECONDS = 5.0
"""A shorter run says nothing about a process."""


@dataclass(slots=True)
class _Candidate:
    frame: Frame | None
    stack: tuple[Frame, ...]
    live: float
    growth: float
    assessment: ages.Assessment
    shared: bool  # whether it rests on blocks that the interpreter's free lists pass on
    population: Population
    enlarging: Enlarging | None


def of_sites(
    by_site: Mapping[Frame | None, Sequence[StackLives]],
    now: float,
    mean: float,
    activity: Callable[[float, float], float],
) -> list[SiteVerdict]:
    """Judge all sites of a run, with a bound on the share of false leaks among those called leaks.

    A leak is *confirmed* (confidence from 0.9 on) where the ages said so at earlier times too,
    else *likely* (from 0.5 on); what is suspicious and not proven is *watched*: ``undecided``.

    Parameters
    ----------
    now : float
        Seconds since the start.
    mean : float
        The sampling mean that all lives given here would have been sampled at.
    activity : callable
        Bytes that the process allocated between two times.
    """
    candidates = [
        _candidate(frame, stacks, now, mean, activity) for frame, stacks in by_site.items()
    ]
    fastest = max((one.growth for one in candidates), default=0.0)
    suspects = [one for one in candidates if one.assessment.shape == "leak"]
    passed = benjamini_hochberg([one.assessment.p_value for one in suspects], FALSE_DISCOVERY_RATE)
    proven = [
        one
        for one, ok in zip(suspects, passed, strict=True)
        if ok
        and one.growth > 0
        and (
            (one.growth >= MINOR_SHARE * fastest and not one.shared)
            or one.assessment.p_value <= MINOR_P
        )
    ]
    certain = any(not one.shared for one in proven)
    doubts = {id(one): _NOT_SIGNIFICANT for one in suspects}
    for one in proven:
        if one.shared and certain:
            doubts[id(one)] = _SHARED_BLOCKS
        elif one.shared and not _pool_grows(one.population, by_site.values(), now):
            doubts[id(one)] = _EXCHANGED
        elif (companion := _companion(one, candidates)) is not None:
            doubts[id(one)] = _COMPANION.format(companion=companion)
        else:
            del doubts[id(one)]
    for one in candidates:
        if (
            one.enlarging is not None
            and (one.assessment.shape != "leak" or id(one) in doubts)
            and one.enlarging.bytes_per_s >= MINOR_SHARE * fastest
        ):
            one.assessment = replace(one.assessment, shape="leak", reason=one.enlarging.reason)
            one.growth = max(one.growth, one.enlarging.bytes_per_s)
            one.live = max(one.live, one.enlarging.size)
            doubts.pop(id(one), None)
        else:
            one.enlarging = None
    return [_site(one, doubts.get(id(one), ""), now, activity) for one in candidates]


def _companion(suspect: _Candidate, candidates: Iterable[_Candidate]) -> str | None:
    """Name a larger site that fills up and whose survivors come as the suspect's do."""
    for other in candidates:
        if (
            other.assessment.shape == "warm-up"
            and other.frame is not None
            and other.live >= 2 * suspect.live
            and suspect.assessment.fades_like(other.assessment)
        ):
            return f"line {other.frame.line} in {other.frame.function}"
    return None


def order(site: SiteVerdict) -> tuple[bool, float]:
    """Sort key of reports: leaks and native growth first, then by growth."""
    return (site.verdict not in {"leak", "native"}, -site.growth_bytes_per_s)


def of_native(growth: NativeGrowth) -> SiteVerdict:
    """Give native growth the form of a site, which has no place.

    Where the C library holds the growth free, it is retention: nothing is lost, and yet it grows.
    """
    return SiteVerdict(
        file=None,
        line=0,
        function="",
        live_bytes=0,
        growth_bytes_per_s=growth.bytes_per_s,
        verdict="retention" if growth.cause == "fragmentation" else "native",
        confidence=0.6,
        evidence=growth.reason,
    )


def of_retention(kept: Retention) -> SiteVerdict:
    """Give what the allocator keeps the form of a site, which has no place."""
    return SiteVerdict(
        file=None,
        line=0,
        function="",
        live_bytes=kept.kept,
        growth_bytes_per_s=0.0,
        verdict="retention",
        confidence=0.7,
        evidence=kept.reason,
    )


def of_process(sites: Iterable[SiteVerdict], seconds: float, samples: int) -> str:
    """Sum the sites up: the worst counts.

    A leak, native growth or fragmentation that goes on is one of the process. Growth that is
    undecided leaves the process undecided, and so does a run that is too short or too quiet to have
    shown anything. Sites that are filling up make it a warm-up; memory that the allocator keeps,
    retention; all others are clean.
    """
    listed = list(sites)
    verdicts = {site.verdict for site in listed}
    for worst in ("leak", "native"):
        if worst in verdicts:
            return worst
    if any(site.verdict == "retention" and site.growth_bytes_per_s > 0 for site in listed):
        return "retention"
    if "undecided" in verdicts or seconds < MIN_SECONDS or samples == 0:
        return "undecided"
    growing = any(site.verdict == "warm-up" and site.growth_bytes_per_s > 0 for site in listed)
    if growing:
        return "warm-up"
    return "retention" if "retention" in verdicts else "clean"


def _candidate(
    frame: Frame | None,
    stacks: Sequence[StackLives],
    now: float,
    mean: float,
    activity: Callable[[float, float], float],
) -> _Candidate:
    assessment, shared, population = _assess(stacks, now, activity)
    larger = enlarging(sizes_of(stacks), now)
    busiest = max(stacks, key=lambda one: len(one.lives))
    lives = [life for one in stacks for life in one.lives]
    if assessment.shape != "leak" or assessment.p_value > ALONE_P:
        # One stack may leak through a line that others only pass through.
        for one in stacks if len(stacks) > 1 else ():
            if len(one.lives) < ages.MIN_SURVIVORS or _replaces(one, stacks, now):
                continue
            alone, alone_shared, its = _assess([one], now, activity)
            if alone.shape == "leak" and alone.p_value * len(stacks) < ALONE_P and not alone_shared:
                assessment = replace(alone, p_value=alone.p_value * len(stacks))
                shared, population = False, its
                busiest, stacks = one, [one]
                break
    return _Candidate(
        frame=frame,
        stack=busiest.stack,
        live=live_bytes((life.size for life in lives), mean),
        growth=_growth(stacks, now, mean, assessment.kept),
        assessment=assessment,
        shared=shared,
        population=population,
        enlarging=larger,
    )


def _assess(
    stacks: Sequence[StackLives], now: float, activity: Callable[[float, float], float]
) -> tuple[ages.Assessment, bool, Population]:
    """Judge by the blocks that hold one object all their life, wherever there are such.

    The others say nothing where these are seen to come and go. Where there are none at all they
    have to do, and the second value is True. The third is the population that was judged.
    """
    own = population_of(stacks, recycled=False)
    if len(own.births) + sum(one.count for one in own.deaths) >= OWN_BLOCKS:
        return ages.assess(own, now, activity), False, own
    population = population_of(stacks, recycled=True)
    return ages.assess(population, now, activity), True, population


def _pool_grows(suspect: Population, sites: Iterable[Sequence[StackLives]], now: float) -> bool:
    """Whether the blocks that pass from line to line become more, all lines together.

    A block stays with the line that asked for it first, whoever has it now: only the sum over all
    lines says what is kept.
    """
    age = now * ages.LOGGED_SHARE  # younger deaths are not known
    own, every = (flux(one, age, now / 2, now) for one in (suspect, recycled_pool(sites)))
    return every.grown - every.died >= 0.5 * (own.grown - own.died)


def _replaces(one: StackLives, stacks: Sequence[StackLives], now: float) -> bool:
    """Whether the objects of a stack take the places of others of its line, which only go.

    A cache that is loaded by one call and refilled by another is full all the time.
    """
    came = gone = 0
    for other in stacks:
        if other is one:
            continue
        came += sum(1 for life in other.lives if life.birth > now / 2)
        came += sum(dead.count for dead in other.deaths if dead.birth > now / 2)
        gone += sum(dead.count for dead in other.deaths if dead.death > now / 2)
    grown = sum(1 for life in one.lives if life.birth > now / 2)
    return gone >= 0.5 * grown and came < 0.2 * gone


def _growth(
    stacks: Sequence[StackLives], now: float, mean: float, kept: tuple[float, float] | None
) -> float:
    """Estimate the net growth over the second half, in bytes per second.

    Compares what was old now with what was old at half time; what is young comes and goes, and
    deaths of the young are not recorded. Where only some stay, these are counted, over the time
    from which they are.
    """
    if now <= 0:
        return 0.0
    if kept is not None:
        begin, end = kept
        lives = (life for one in stacks for life in one.lives if begin <= life.birth <= end)
        return live_bytes((life.size for life in lives), mean) / (end - begin)
    young = now * ages.LOGGED_SHARE
    grown = live_bytes(
        (
            life.size
            for one in stacks
            for life in one.lives
            if now / 2 - young < life.birth <= now - young
        ),
        mean,
    )
    gone = sum(
        live_bytes([round(death.size / death.count)], mean) * death.count
        for one in stacks
        for death in one.deaths
        if death.death > now / 2 and death.birth <= now / 2 - young
    )
    return (grown - gone) / (now / 2)


def _site(
    candidate: _Candidate, doubt: str, now: float, activity: Callable[[float, float], float]
) -> SiteVerdict:
    assessment, frame = candidate.assessment, candidate.frame
    shape = "undecided" if doubt else assessment.shape
    confidence, grade = _confidence(candidate, shape, now, activity)
    return SiteVerdict(
        file=frame.file if frame else None,
        line=frame.line if frame else 0,
        function=frame.function if frame else "",
        live_bytes=round(candidate.live),
        growth_bytes_per_s=candidate.growth,
        verdict=shape,
        confidence=confidence,
        stack=candidate.stack,
        evidence=grade + assessment.reason + doubt.format(p=assessment.p_value),
    )


def _confidence(
    candidate: _Candidate, shape: str, now: float, activity: Callable[[float, float], float]
) -> tuple[float, str]:
    # How sure the verdict given is; the bound of a leak is what no test on ages can exclude, a
    # container that would have been full only after the run.
    assessment = candidate.assessment
    if shape == "leak":
        if candidate.enlarging is not None:
            return 0.7, "likely: "
        proof = 1.0 - 10.0 * assessment.p_value
        if candidate.shared:
            return max(0.5, min(0.6, proof)), "likely: "
        if proof >= 0.9 and _was_one_before(candidate.population, now, activity):
            return min(0.95, proof), "confirmed: "
        return max(0.5, min(0.8, proof)), "likely: "
    if shape == "undecided":
        return min(0.5, assessment.survivors / 20), ""
    return (0.8 if assessment.survivors >= ages.MIN_SURVIVORS else 0.5), ""


def _was_one_before(
    population: Population, now: float, activity: Callable[[float, float], float]
) -> bool:
    return all(
        ages.assess(population.at(share * now), share * now, activity).shape == "leak"
        for share in CONFIRMED_LOOKS
    )
