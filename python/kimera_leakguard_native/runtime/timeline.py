"""A process's memory and work over time, in bounded memory."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_POINTS = 512
"""Points kept; when they run out every other one is dropped and the spacing doubles."""


class CHeap(NamedTuple):
    """What the C library has handed out and what it holds free, in bytes."""

    used: int
    free: int


@dataclass(frozen=True, slots=True)
class Point:
    """One reading.

    Attributes
    ----------
    time : float
        Seconds since the start.
    allocated : float
        Bytes allocated so far, estimated.
    rss : int
        Resident bytes of the process, 0 where they are not known.
    file : int
        Those of them that are pages of files, which the kernel takes back when it needs to.
    heap : CHeap, optional
        None where the C library says nothing, or another allocator is in its place.
    """

    time: float
    allocated: float
    rss: int
    file: int = 0
    heap: CHeap | None = None


class Timeline:
    """Readings in order of time."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._spacing = 0.0

    def add(self, point: Point) -> None:
        """Keep a reading, unless it follows too closely on the one before."""
        if self.points and point.time - self.points[-1].time < self._spacing:
            return
        self.points.append(point)
        if len(self.points) >= MAX_POINTS:
            self.points = self.points[::2]
            self._spacing = 1.5 * (self.points[-1].time - self.points[0].time) / len(self.points)

    def allocated_between(self, begin: float, end: float) -> float:
        """Give the bytes allocated between two times, interpolated."""
        return self._allocated(end) - self._allocated(begin)

    def allocated_from(self, origin: float) -> Callable[[float, float], float]:
        """Give `allocated_between` for times that are counted from an origin."""
        return lambda begin, end: self.allocated_between(begin + origin, end + origin)

    def rss_between(self, begin: float, end: float) -> list[tuple[float, int]]:
        """Give the known resident sizes in [begin, end]."""
        return [(p.time, p.rss) for p in self.points if begin <= p.time <= end and p.rss > 0]

    def private_between(self, begin: float, end: float) -> list[tuple[float, int]]:
        """Give the known resident sizes in [begin, end], without pages of files."""
        return [
            (p.time, p.rss - p.file) for p in self.points if begin <= p.time <= end and p.rss > 0
        ]

    def heap_between(self, begin: float, end: float) -> list[tuple[float, CHeap]]:
        """Give the known figures of the C library in [begin, end]."""
        return [
            (p.time, p.heap) for p in self.points if begin <= p.time <= end and p.heap is not None
        ]

    def _allocated(self, time: float) -> float:
        if not self.points:
            return 0.0
        after = bisect.bisect_left(self.points, time, key=lambda point: point.time)
        if after == 0:
            first = self.points[0]
            return first.allocated * max(0.0, time) / first.time if first.time > 0 else 0.0
        if after == len(self.points):
            return self.points[-1].allocated
        left, right = self.points[after - 1], self.points[after]
        share = (time - left.time) / (right.time - left.time)
        return left.allocated + share * (right.allocated - left.allocated)
