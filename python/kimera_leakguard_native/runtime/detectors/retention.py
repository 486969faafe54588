"""Memory that the program has freed and the allocator keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_SECONDS = 10.0
MIN_BYTES = 16 * 2**20
"""A smaller drop is in the noise of a process's pages."""

QUIET_SHARE = 1 / 4
"""Of the run, at its end, over which what is alive must have stayed low."""

_KEPT_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is kept, in bytes."""

    kept: int
    reason: str


def retention(
    live: Sequence[tuple[float, float]],
    rss: Sequence[tuple[float, int]],
    now: float,
    *,
    what: str = "objects",
    c_free: int | None = None,
) -> Retention | None:
    """Look for a process that has become smaller without giving its memory back.

    Parameters
    ----------
    live : sequence of (float, float)
        Seconds, and estimated bytes of all objects alive, over the whole run; or what the C library
        has handed out.
    rss : sequence of (float, int)
        Seconds and resident bytes.
    now : float
        Seconds since the start.
    what : str
        What `live` counts, for the sentence.
    c_free : int, optional
        Bytes that the C library holds free at the end.

    Returns
    -------
    Retention or None
        None unless what is alive fell from its peak by 16 MiB at least, has stayed below a fifth of
        that fall since, and the resident size followed by less than half. Pages that are held by
        one object each (fragmentation) and pages that the C library does not give back look alike.
    """
    if now < MIN_SECONDS or len(live) < 3 or not rss:
        return None
    peak_time, peak = max(live, key=lambda point: point[1])
    last = live[-1][1]
    drop = peak - last
    quiet = [size for time, size in live if time >= now * (1 - QUIET_SHARE)]
    if drop < MIN_BYTES or not quiet or max(quiet) > last + 0.2 * drop:
        return None
    at_peak = max((size for time, size in rss if time >= peak_time), default=0)
    given_back = at_peak - rss[-1][1]
    if given_back > _KEPT_SHARE * drop:
        return None
    kept = round(drop - max(0, given_back))
    held = "" if c_free is None else f"; the C library holds {c_free / 2**20:.0f} MiB free"
    return Retention(
        kept,
        f"{what} of {drop / 2**20:.0f} MiB have been freed since {peak_time:.0f} s, the resident"
        f" size fell by {max(0, given_back) / 2**20:.0f} MiB: the allocator keeps"
        f" {kept / 2**20:.0f} MiB, for later use or because its pages are not wholly free"
        f"{held}",
    )
