"""
A sharded table of live allocations.
"""
from __future__ import annotations
import collections.abc
import typing
__all__: list[str] = ['AllocationRegistry', 'PairTimes', 'SiteStatistics', 'Totals', 'benchmark_pairs', 'clock_ns']
class SiteStatistics:
    """
    What one site has allocated; sizes in bytes.
    """
    @property
    def high_water_bytes(self) -> int:
        ...
    @property
    def live_bytes(self) -> int:
        ...
    @property
    def live_count(self) -> int:
        ...
    @property
    def oldest_born_ns(self) -> int:
        ...
    @property
    def site(self) -> int:
        ...
    @property
    def total_bytes(self) -> int:
        ...
    @property
    def total_count(self) -> int:
        ...
class Totals:
    """
    Sums over all sites, and everything that was refused.
    """
    @property
    def dropped_bytes(self) -> int:
        ...
    @property
    def dropped_records(self) -> int:
        ...
    @property
    def dropped_sites(self) -> int:
        ...
    @property
    def dropped_stacks(self) -> int:
        ...
    @property
    def live_bytes(self) -> int:
        ...
    @property
    def live_count(self) -> int:
        ...
    @property
    def retired_slots(self) -> int:
        ...
    @property
    def stale_releases(self) -> int:
        ...
    @property
    def total_bytes(self) -> int:
        ...
    @property
    def total_count(self) -> int:
        ...
class PairTimes:
    """
    What a run of record and release pairs took.
    """
    @property
    def cpu_s(self) -> float:
        ...
    @property
    def pinned(self) -> int:
        ...
    @property
    def totals(self) -> Totals:
        ...
    @property
    def wall_s(self) -> float:
        ...
class AllocationRegistry:
    """
    A sharded table of live allocations.
    """
    def __init__(self, *, records: typing.SupportsInt | typing.SupportsIndex = 1048576, sites: typing.SupportsInt | typing.SupportsIndex = 65536, stacks: typing.SupportsInt | typing.SupportsIndex = 65536, frames: typing.SupportsInt | typing.SupportsIndex = 2097152, name_bytes: typing.SupportsInt | typing.SupportsIndex = 8388608, shards: typing.SupportsInt | typing.SupportsIndex = 0) -> None:
        ...
    def intern_site(self, name: str) -> int:
        """
        The id of a site; 0 where the table is full.
        """
    def intern_stack(self, frames: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> int:
        """
        The id of a call stack; 0 where it is empty or the table is full.
        """
    def lookup(self, handle: typing.SupportsInt | typing.SupportsIndex) -> typing.Any:
        """
        (handle, site, stack, size, born_ns), or None where the handle is not live.
        """
    def record(self, site: int, size: int, stack: int = 0) -> int:
        """
        Record an allocation of `size` bytes; the handle is 0 where the cap is reached.
        """
    def release(self, handle: int) -> bool:
        """
        Release a record; False for handle 0. Raises StaleHandle for any other that is not live.
        """
    def site_name(self, site: typing.SupportsInt | typing.SupportsIndex) -> str:
        """
        The name of a site; '' for 0 and unknown ids.
        """
    def sites(self) -> list[SiteStatistics]:
        """
        Statistics of every site that has ever recorded, by id.
        """
    def snapshot(self) -> list[tuple[int, int, int, int, int]]:
        """
        (handle, site, stack, size, born_ns) of every live record.
        """
    def stack_frames(self, stack: typing.SupportsInt | typing.SupportsIndex) -> tuple[int, ...]:
        """
        The frames of a stack, as given.
        """
    def totals(self) -> Totals:
        """
        Sums over all sites.
        """
def benchmark_pairs(threads: typing.SupportsInt | typing.SupportsIndex, pairs: typing.SupportsInt | typing.SupportsIndex, window: typing.SupportsInt | typing.SupportsIndex = 64, same_site: bool = False) -> PairTimes:
    """
    Time threads that each record and release `pairs` times, pinned to cores of their own.
    """
def clock_ns() -> int:
    """
    The clock of `born_ns`.
    """
