"""A few blocks that only get larger: a buffer, a string, the table of a list."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_SECONDS = 10.0
MIN_BYTES = 64 * 1024
"""Growth below this is not worth a word."""

_SEGMENTS = 6
_MIN_RISES = 3
_MIN_LOOKS = 2 * _SEGMENTS
_SHARE_OF_LARGEST = 0.8
_MIN_FACTOR = 1.25


@dataclass(frozen=True, slots=True)
class Size:
    """The large blocks of a site at one time: all their bytes, and those of the largest."""

    time: float
    total: int
    largest: int


@dataclass(frozen=True, slots=True)
class Enlarging:
    """Growth of a site's largest block."""

    bytes_per_s: float
    size: int
    reason: str


def enlarging(sizes: Sequence[Size], now: float) -> Enlarging | None:
    """Say how the largest block of a site grows, or None where it does not.

    Parameters
    ----------
    sizes : sequence of Size
        Over the whole run, in order of time.
    now : float
        Seconds since the start.

    Returns
    -------
    Enlarging or None
        None unless the least sizes of six parts of the last two thirds of the run rise at three of
        the five steps and never fall, one block has most of it, and the growth of the last two
        steps is not below half of that of the first two. Lists and buffers that allocate an eighth
        ahead rise so often; tables that double, as those of dicts and sets do, do not: their
        entries have ages that say more.
    """
    recent = [one for one in sizes if one.time >= now / 3]
    if now < MIN_SECONDS or len(recent) < _MIN_LOOKS:
        return None
    if recent[-1].largest < _SHARE_OF_LARGEST * recent[-1].total:
        return None
    part = len(recent) / _SEGMENTS
    parts = [recent[round(k * part) : round((k + 1) * part)] for k in range(_SEGMENTS)]
    troughs = [min(one.largest for one in segment) for segment in parts]
    steps = [after - before for before, after in itertools.pairwise(troughs)]
    rise = troughs[-1] - troughs[0]
    if rise < MIN_BYTES or troughs[-1] < _MIN_FACTOR * troughs[0]:
        return None
    rises = sum(step > 0.1 * rise / len(steps) for step in steps)
    if min(steps) < 0 or rises < _MIN_RISES:
        return None
    if steps[-1] + steps[-2] < 0.5 * (steps[0] + steps[1]):
        return None
    seconds = recent[-1].time - recent[0].time
    grown = recent[-1].largest - recent[0].largest
    return Enlarging(
        grown / seconds,
        recent[-1].largest,
        f"one block grew from {recent[0].largest / 1024:.0f} to {recent[-1].largest / 1024:.0f} KiB"
        f" in {seconds:.0f} s, at {rises} of {len(steps)} steps in time, and never shrank",
    )
