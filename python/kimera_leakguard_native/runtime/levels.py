"""How much was alive at times in the past, and in how few large blocks; in bounded memory.

Ages say nothing of an object that is one and the same but grows: each reallocation begins a new
life. Its size over time does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGE = 16 * 1024
"""Bytes from which on a block is looked at by itself."""

MAX_TIMES = 96
MAX_STACKS = 64
"""Stacks that are kept of one time, those with the most bytes in large blocks."""

SPACING = 1 / 24
"""Of the run so far, between two looks; never less than a second."""


@dataclass(frozen=True, slots=True)
class Large:
    """The large blocks of one stack at one time: all their bytes, and those of the largest."""

    total: int
    largest: int


@dataclass(frozen=True, slots=True)
class Level:
    """One look.

    Attributes
    ----------
    time : float
        Seconds since the start.
    live : float
        Estimated bytes of all sampled objects.
    large : dict of int to Large
        By stack.
    """

    time: float
    live: float
    large: dict[int, Large]


class LevelHistory:
    """Looks in order of time; every other one makes room when there are `MAX_TIMES`."""

    def __init__(self) -> None:
        self.levels: list[Level] = []

    def due(self, time: float) -> bool:
        """Whether the last look is long enough ago."""
        return not self.levels or time - self.levels[-1].time >= max(1.0, time * SPACING)

    def add(self, time: float, live: float, large: Mapping[int, Large]) -> None:
        """Keep a look.

        Parameters
        ----------
        large : mapping of int to Large
            By stack; those with the most bytes are kept.
        """
        most = sorted(large, key=lambda stack: large[stack].total, reverse=True)[:MAX_STACKS]
        self.levels.append(Level(time, live, {stack: large[stack] for stack in most}))
        if len(self.levels) >= MAX_TIMES:
            # The newest stays, whether their number is odd or even.
            self.levels = self.levels[len(self.levels) % 2 == 0 :: 2]

    def until(self, time: float) -> list[Level]:
        """Give the looks up to a time."""
        return [level for level in self.levels if level.time <= time]
