"""The sampled objects of call stacks, alone and put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.runtime.detectors.enlarging import Size
from kimera_leakguard_native.runtime.detectors.flux import Population

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kimera_leakguard_native.model.frame import Frame
    from kimera_leakguard_native.runtime.life_table import Deaths, Life


@dataclass(frozen=True, slots=True)
class StackLives:
    """The sampled objects of one call stack: those alive, those that died old, the large ones."""

    stack: tuple[Frame, ...]
    lives: Sequence[Life]
    deaths: Sequence[Deaths]
    sizes: Sequence[Size] = ()


def population_of(stacks: Sequence[StackLives], *, recycled: bool) -> Population:
    """Put stacks together, with or without blocks that the interpreter passes from line to line."""
    return Population(
        [life.birth for one in stacks for life in one.lives if recycled or not life.recycled],
        [death for one in stacks for death in one.deaths if recycled or not death.recycled],
    )


def recycled_pool(sites: Iterable[Sequence[StackLives]]) -> Population:
    """Put those blocks of all sites together, and no others."""
    stacks = [one for stacks in sites for one in stacks]
    return Population(
        [life.birth for one in stacks for life in one.lives if life.recycled],
        [death for one in stacks for death in one.deaths if death.recycled],
    )


def sizes_of(stacks: Sequence[StackLives]) -> list[Size]:
    """Add up the sizes of large blocks over the stacks of a site, which share their times."""
    rows = zip(*(one.sizes for one in stacks if one.sizes), strict=True)
    return [
        Size(row[0].time, sum(one.total for one in row), max(one.largest for one in row))
        for row in rows
    ]
