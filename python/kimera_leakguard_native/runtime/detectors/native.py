"""Growth of the process that no sampled site explains."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_SECONDS = 10.0
MIN_BYTES = 4 * 2**20
"""Growth below this is in the noise of a process's pages."""

_SEGMENTS = 6


@dataclass(frozen=True, slots=True)
class NativeGrowth:
    """Resident memory that grows without a site that keeps it.

    Attributes
    ----------
    bytes_per_s : float
        Of the troughs, over the last two thirds of the run, less what sites explain.
    """

    bytes_per_s: float
    reason: str


def unexplained_growth(
    rss: Sequence[tuple[float, int]], explained_bytes_per_s: float
) -> NativeGrowth | None:
    """Look for growth of the troughs of resident memory that goes on at the end.

    Parameters
    ----------
    rss : sequence of (float, int)
        Seconds and bytes over the last two thirds of the run.
    explained_bytes_per_s : float
        Growth of all sites over the same time.

    Returns
    -------
    NativeGrowth or None
        None where the troughs of six segments do not rise in every step but one, where the rise
        fades, is small, or is at least half explained.
    """
    if len(rss) < 2 * _SEGMENTS or rss[-1][0] - rss[0][0] < MIN_SECONDS * 2 / 3:
        return None
    size = len(rss) / _SEGMENTS
    segments = [rss[round(k * size) : round((k + 1) * size)] for k in range(_SEGMENTS)]
    troughs = [min(segment, key=lambda point: point[1]) for segment in segments]
    steps = [after[1] - before[1] for before, after in itertools.pairwise(troughs)]
    rise = troughs[-1][1] - troughs[0][1]
    seconds = troughs[-1][0] - troughs[0][0]
    if rise < MIN_BYTES or seconds <= 0:
        return None
    average = rise / len(steps)
    if sum(step > 0.2 * average for step in steps) < len(steps) - 1 or steps[-1] < 0.2 * average:
        return None
    rate = rise / seconds
    unexplained = rate - max(0.0, explained_bytes_per_s)
    if unexplained < 0.5 * rate:
        return None
    return NativeGrowth(
        unexplained,
        f"resident memory grew by {rise / 2**20:.1f} MiB in {seconds:.0f} s in every part of the"
        f" run, Python's own allocations by {max(0.0, explained_bytes_per_s) * seconds / 2**20:.1f}"
        " MiB: native memory (an extension, or array data)",
    )
