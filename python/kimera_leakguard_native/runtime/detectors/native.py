"""Growth of the process that no sampled site explains."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimera_leakguard_native.runtime.timeline import CHeap

MIN_SECONDS = 10.0
MIN_BYTES = 4 * 2**20
"""Growth below this is in the noise of a process's pages."""

_SEGMENTS = 6

_CAUSES = {
    "malloc": "what malloc has handed out grew by {used:.1f} MiB, an extension or array data",
    "fragmentation": "what malloc has handed out grew by {used:.1f} MiB, what it holds free by"
    " {free:.1f} MiB: fragmentation, blocks that live on keep the pages around them",
    "elsewhere": "what malloc has handed out grew by {used:.1f} MiB only: mmap, stacks of threads"
    " or an allocator of its own",
    "": "an extension, or array data",
}


@dataclass(frozen=True, slots=True)
class NativeGrowth:
    """Resident memory that grows without a site that keeps it.

    Attributes
    ----------
    bytes_per_s : float
        Of the troughs, over the last two thirds of the run, less what sites explain.
    cause : str
        By the C library's own figures: ``malloc`` (it has handed out more), ``fragmentation`` (it
        holds more that is free), ``elsewhere`` (neither), or empty where there are none.
    """

    bytes_per_s: float
    reason: str
    cause: str


def unexplained_growth(
    private: Sequence[tuple[float, int]],
    explained_bytes_per_s: float,
    heap: Sequence[tuple[float, CHeap]] = (),
) -> NativeGrowth | None:
    """Look for growth of the troughs of resident memory that goes on at the end.

    Parameters
    ----------
    private : sequence of (float, int)
        Seconds, and resident bytes that are no pages of files, over the last two thirds of the run.
    explained_bytes_per_s : float
        Growth of all sites over the same time.
    heap : sequence of (float, CHeap)
        What the C library says, over the same time.

    Returns
    -------
    NativeGrowth or None
        None where the troughs of six segments do not rise in every step but one, where the rise
        fades, is small, or is at least half explained.
    """
    if len(private) < 2 * _SEGMENTS or private[-1][0] - private[0][0] < MIN_SECONDS * 2 / 3:
        return None
    troughs = _troughs(private)
    steps = [after[1] - before[1] for before, after in itertools.pairwise(troughs)]
    rise = troughs[-1][1] - troughs[0][1]
    seconds = troughs[-1][0] - troughs[0][0]
    if rise < MIN_BYTES or seconds <= 0:
        return None
    average = rise / len(steps)
    if sum(step > 0.2 * average for step in steps) < len(steps) - 1 or steps[-1] < 0.2 * average:
        return None
    rate = rise / seconds
    explained = max(0.0, explained_bytes_per_s)
    unexplained = rate - explained
    if unexplained < 0.5 * rate:
        return None
    cause, used, free = _cause(heap, unexplained * seconds, explained * seconds)
    return NativeGrowth(
        unexplained,
        f"resident memory grew by {rise / 2**20:.1f} MiB in {seconds:.0f} s in every part of the"
        f" run, Python's own allocations by {explained * seconds / 2**20:.1f} MiB: "
        + _CAUSES[cause].format(used=used / 2**20, free=free / 2**20),
        cause,
    )


def _troughs(points: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    size = len(points) / _SEGMENTS
    segments = [points[round(k * size) : round((k + 1) * size)] for k in range(_SEGMENTS)]
    return [min(segment, key=lambda point: point[1]) for segment in segments]


def _cause(
    heap: Sequence[tuple[float, CHeap]], unexplained: float, explained: float
) -> tuple[str, float, float]:
    """Say where most of the unexplained bytes are, and what was handed out and held free more."""
    if len(heap) < 2 * _SEGMENTS:
        return "", 0.0, 0.0
    used_at = _troughs([(time, one.used) for time, one in heap])
    held_at = _troughs([(time, one.used + one.free) for time, one in heap])
    used = float(used_at[-1][1] - used_at[0][1])
    free = held_at[-1][1] - held_at[0][1] - used
    if used - explained >= 0.5 * unexplained:
        return "malloc", used, free
    return ("fragmentation" if free >= 0.5 * unexplained else "elsewhere"), used, free
