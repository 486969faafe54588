"""Typed face of the native registry of live allocations."""

from __future__ import annotations

from typing import NamedTuple

from kimera_leakguard_native import _core

DROPPED = 0
"""The handle of a record that found no room; releasing it does nothing."""


class LiveRecord(NamedTuple):
    """One live allocation.

    Attributes
    ----------
    handle : int
        For `AllocationRegistry.release`; never given out a second time.
    site, stack : int
        Ids of `intern_site` and `intern_stack`; 0 where none was given or the table was full.
    size : int
        Bytes.
    born_ns : int
        On the clock of `clock_ns`.
    """

    handle: int
    site: int
    stack: int
    size: int
    born_ns: int


class SiteUsage(NamedTuple):
    """What one site has allocated.

    Attributes
    ----------
    name : str
        As given to `intern_site`; empty for all sites together that found no room.
    live_bytes, live_count, total_bytes, total_count : int
        Now, and since the registry was made.
    high_water_bytes : int
        The most that was live at one moment.
    oldest_age_s : float
        Age of the oldest record that is live; 0 without any.
    """

    name: str
    live_bytes: int
    live_count: int
    total_bytes: int
    total_count: int
    high_water_bytes: int
    oldest_age_s: float


class AllocationRegistry(_core.registry.AllocationRegistry):
    """A sharded table of live allocations, bounded, usable from any thread.

    Parameters
    ----------
    records, sites, stacks, frames, name_bytes : int
        Caps: live records, different sites and stacks, frames of all stacks, and bytes of all site
        names. What is over a cap is counted in `totals()`, never silent.
    shards : int
        A power of two up to 64; 0 takes twice the number of cores.

    Notes
    -----
    ``record(site, size, stack=0) -> handle`` and ``release(handle) -> bool`` are the hot path and
    come straight from C. A record over the cap has handle 0, and releasing that does nothing;
    releasing any other handle twice raises `StaleHandle`.
    """

    def records(self) -> list[LiveRecord]:
        """Copy out every live record; one that lives throughout the call is seen exactly once."""
        return [LiveRecord(*fields) for fields in self.snapshot()]

    def find(self, handle: int) -> LiveRecord | None:
        """Give the record of a handle, or None where it is not live."""
        fields = self.lookup(handle)
        return None if fields is None else LiveRecord(*fields)

    def usage(self) -> list[SiteUsage]:
        """Sum up every site that has ever recorded, the most live bytes first."""
        now = clock_ns()
        rows = [
            SiteUsage(
                self.site_name(site.site),
                site.live_bytes,
                site.live_count,
                site.total_bytes,
                site.total_count,
                site.high_water_bytes,
                max(0, now - site.oldest_born_ns) / 1e9 if site.oldest_born_ns else 0.0,
            )
            for site in self.sites()
        ]
        return sorted(rows, key=lambda row: (-row.live_bytes, row.name))


def clock_ns() -> int:
    """Read the clock of `LiveRecord.born_ns`: monotonic nanoseconds, in steps of up to 10 ms."""
    return _core.registry.clock_ns()
