"""How long sampled objects live, in bounded memory for a run of any length."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_WINDOWS = 128
"""Windows that a run is divided into at most; twice as wide ones replace them when they run out."""

MAX_CELLS = 20_000
"""Counts that are kept of all stacks, some two MiB: beyond it windows become wider too."""

FIRST_WIDTH = 0.25
"""Seconds of a window at the start."""

_FEWEST_WINDOWS = 16

_Key = tuple[int, int, int, bool]
"""Window of birth, window of death, octave of the reach, whether recycled."""


@dataclass(frozen=True, slots=True)
class Life:
    """A sampled object, or one that died.

    Attributes
    ----------
    birth, death : float
        Seconds since the start; `death` is None while it lives.
    size : int
        Bytes.
    node : int
        Its call stack.
    reach : float
        The coarsest sampling mean, in bytes, at which it would be a sample too.
    recycled : bool
        Whether its block may have passed from object to object through a free list of the
        interpreter: then its age and its stack need not be those of the object in it.
    mean : float
        The sampling mean in bytes that it was taken under, or thinned to since.
    """

    birth: float
    death: float | None
    size: int
    node: int
    reach: float
    recycled: bool = False
    mean: float = 0.0


@dataclass(frozen=True, slots=True)
class Deaths:
    """Objects of one stack that were born in one window and died old in another."""

    birth: float
    death: float
    count: int
    size: float
    recycled: bool = False


class LifeTable:
    """Deaths of old objects, counted by stack, window of birth, window of death and reach.

    Only deaths at an old age come here, and the limit of what is old grows with the run. Where the
    counts become too many all the same, windows are merged until they fit, or until there are few
    windows left: then the memory is bounded by the number of stacks.

    Parameters
    ----------
    mean : float
        A mean of the sampler, in bytes; its others are this one times powers of two.
    """

    def __init__(self, mean: float) -> None:
        self.width = FIRST_WIDTH
        self._mean = mean
        self._cells: dict[int, dict[_Key, list[int]]] = defaultdict(dict)
        self._count = 0

    def add(self, lives: Iterable[Life]) -> None:
        """Count deaths."""
        for life in lives:
            if life.death is None:
                continue
            while life.death >= self.width * MAX_WINDOWS:
                self._halve()
            level = self._level(life.reach)
            key = (int(life.birth / self.width), int(life.death / self.width), level, life.recycled)
            cells = self._cells[life.node]
            cell = cells.get(key)
            if cell is None:
                cell = cells[key] = [0, 0]
                self._count += 1
            cell[0] += 1
            cell[1] += life.size
            if self._count > MAX_CELLS and life.death >= self.width * _FEWEST_WINDOWS:
                self._halve()

    def deaths(self, node: int, mean: float) -> Iterator[Deaths]:
        """Give the deaths of a stack as a sampler of this mean would have seen them."""
        level = self._level(mean)
        for (birth, death, reach, recycled), (count, size) in self._cells.get(node, {}).items():
            if reach >= level:
                born, died = (birth + 0.5) * self.width, (death + 0.5) * self.width
                yield Deaths(born, died, count, size, recycled)

    def nodes(self) -> Iterable[int]:
        """Give the stacks that have deaths."""
        return self._cells.keys()

    def thin(self, mean: float) -> None:
        """Forget what a sampler of this mean would not have seen."""
        level = self._level(mean)
        for node, cells in list(self._cells.items()):
            kept = {key: cell for key, cell in cells.items() if key[2] >= level}
            self._count -= len(cells) - len(kept)
            if kept:
                self._cells[node] = kept
            else:
                del self._cells[node]

    def _level(self, reach: float) -> int:
        # Half an octave of slack would be wrong, a rounding error of a power of two is not.
        return math.floor(math.log2(reach / self._mean) + 1e-9)

    def _halve(self) -> None:
        self.width *= 2
        for node, cells in self._cells.items():
            merged: dict[_Key, list[int]] = {}
            for (birth, death, level, recycled), (count, size) in cells.items():
                cell = merged.setdefault((birth // 2, death // 2, level, recycled), [0, 0])
                cell[0] += count
                cell[1] += size
            self._count -= len(cells) - len(merged)
            self._cells[node] = merged
