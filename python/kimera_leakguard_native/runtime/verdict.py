"""From ages to verdicts: all sites of a run together, and the process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kimera_leakguard_native.model.site import SiteVerdict
from kimera_leakguard_native.runtime.detectors import ages
from kimera_leakguard_native.runtime.detectors.flux import Population, benjamini_hochberg
from kimera_leakguard_native.runtime.snapshot import live_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kimera_leakguard_native.model.site import Frame
    from kimera_leakguard_native.runtime.detectors.native import NativeGrowth
    from kimera_leakguard_native.runtime.life_table import Deaths, Life

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

OWN_BLOCKS = 3
"""Sampled blocks that hold one object all their life, from which on they alone are judged."""

_NOT_SIGNIFICANT = "; p = {p:.2g} is not enough among the sites of this run"
_SHARED_BLOCKS = (
    "; all of it floats, lists, dicts or tuples, whose blocks the interpreter hands from line to"
    " line: more likely what another line leaks"
)

MIN_SECONDS = 5.0
"""A shorter run says nothing about a process."""


@dataclass(frozen=True, slots=True)
class StackLives:
    """The sampled objects of one call stack: those alive, and those that died old."""

    stack: tuple[Frame, ...]
    lives: Sequence[Life]
    deaths: Sequence[Deaths]


@dataclass(slots=True)
class _Candidate:
    frame: Frame | None
    stack: tuple[Frame, ...]
    live: float
    growth: float
    assessment: ages.Assessment
    shared: bool  # whether it rests on blocks that the interpreter's free lists pass on


def of_sites(
    by_site: Mapping[Frame | None, Sequence[StackLives]],
    now: float,
    mean: float,
    activity: Callable[[float, float], float],
) -> list[SiteVerdict]:
    """Judge all sites of a run, with a bound on the share of false leaks among those called leaks.

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
        else:
            del doubts[id(one)]
    return [_site(one, doubts.get(id(one), "")) for one in candidates]


def order(site: SiteVerdict) -> tuple[bool, float]:
    """Sort key of reports: leaks and native growth first, then by growth."""
    return (site.verdict not in {"leak", "native"}, -site.growth_bytes_per_s)


def of_native(growth: NativeGrowth) -> SiteVerdict:
    """Give native growth the form of a site, which has no place."""
    return SiteVerdict(
        file=None,
        line=0,
        function="",
        live_bytes=0,
        growth_bytes_per_s=growth.bytes_per_s,
        verdict="native",
        confidence=0.6,
        evidence=growth.reason,
    )


def of_process(sites: Iterable[SiteVerdict], seconds: float, samples: int) -> str:
    """Sum the sites up: the worst counts.

    A leak or native growth is one of the process. Growth that is undecided leaves the process
    undecided, and so does a run that is too short or too quiet to have shown anything. Sites that
    are filling up make it a warm-up; all others are clean.
    """
    listed = list(sites)
    verdicts = {site.verdict for site in listed}
    for worst in ("leak", "native"):
        if worst in verdicts:
            return worst
    if "undecided" in verdicts or seconds < MIN_SECONDS or samples == 0:
        return "undecided"
    growing = any(site.verdict == "warm-up" and site.growth_bytes_per_s > 0 for site in listed)
    return "warm-up" if growing else "clean"


def _candidate(
    frame: Frame | None,
    stacks: Sequence[StackLives],
    now: float,
    mean: float,
    activity: Callable[[float, float], float],
) -> _Candidate:
    assessment, shared = _assess(stacks, now, activity)
    busiest = max(stacks, key=lambda one: len(one.lives))
    lives = [life for one in stacks for life in one.lives]
    if assessment.shape != "leak" or assessment.p_value > ALONE_P:
        # One stack may leak through a line that others only pass through.
        for one in stacks if len(stacks) > 1 else ():
            if len(one.lives) < ages.MIN_SURVIVORS:
                continue
            alone, alone_shared = _assess([one], now, activity)
            if alone.shape == "leak" and alone.p_value * len(stacks) < ALONE_P and not alone_shared:
                assessment = replace(alone, p_value=alone.p_value * len(stacks))
                shared = False
                busiest, stacks = one, [one]
                break
    return _Candidate(
        frame=frame,
        stack=busiest.stack,
        live=live_bytes((life.size for life in lives), mean),
        growth=_growth(stacks, now, mean),
        assessment=assessment,
        shared=shared,
    )


def _assess(
    stacks: Sequence[StackLives], now: float, activity: Callable[[float, float], float]
) -> tuple[ages.Assessment, bool]:
    """Judge by the blocks that hold one object all their life, wherever there are such.

    The others say nothing where these are seen to come and go. Where there are none at all they
    have to do, and the second value is True.
    """
    own = _population(stacks, recycled=False)
    if len(own.births) + sum(one.count for one in own.deaths) >= OWN_BLOCKS:
        return ages.assess(own, now, activity), False
    return ages.assess(_population(stacks, recycled=True), now, activity), True


def _population(stacks: Sequence[StackLives], *, recycled: bool) -> Population:
    return Population(
        [life.birth for one in stacks for life in one.lives if recycled or not life.recycled],
        [death for one in stacks for death in one.deaths if recycled or not death.recycled],
    )


def _growth(stacks: Sequence[StackLives], now: float, mean: float) -> float:
    """Estimate the net growth over the second half, in bytes per second.

    Compares what was old now with what was old at half time; what is young comes and goes, and
    deaths of the young are not recorded.
    """
    if now <= 0:
        return 0.0
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


def _site(candidate: _Candidate, doubt: str) -> SiteVerdict:
    assessment, frame = candidate.assessment, candidate.frame
    shape = "undecided" if doubt else assessment.shape
    return SiteVerdict(
        file=frame.file if frame else None,
        line=frame.line if frame else 0,
        function=frame.function if frame else "",
        live_bytes=round(candidate.live),
        growth_bytes_per_s=candidate.growth,
        verdict=shape,
        confidence=_confidence(candidate, shape),
        stack=candidate.stack,
        evidence=assessment.reason + doubt.format(p=assessment.p_value),
    )


def _confidence(candidate: _Candidate, shape: str) -> float:
    # How sure the verdict given is; the bound of a leak is what no test on ages can exclude, a
    # container that would have been full only after the run.
    assessment = candidate.assessment
    if shape == "leak":
        return max(0.5, min(0.6 if candidate.shared else 0.95, 1.0 - 10.0 * assessment.p_value))
    if shape == "undecided":
        return min(0.5, assessment.survivors / 20)
    return 0.8 if assessment.survivors >= ages.MIN_SURVIVORS else 0.5
