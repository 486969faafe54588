"""The lives that a capture tells of: which of them hold for a time, and for how many bytes."""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native import _core
from kimera_leakguard_native.runtime.life_table import Deaths, Life
from kimera_leakguard_native.runtime.snapshot import represented

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_RECYCLED = 1  # BlockKind::kRecycled

_KEY_TABLES = {
    sys.getsizeof({1: 1}) - sys.getsizeof({}),
    sys.getsizeof({"a": 1}) - sys.getsizeof({}),
}
# Key tables of small dicts have a free list too, but are no objects whose type could be read.


@dataclass(slots=True)
class LivesOfStack:
    """Of the objects of one call stack: those alive, and those that died old."""

    lives: list[Life] = field(default_factory=list)
    deaths: list[Deaths] = field(default_factory=list)

    def set_to(self, clock: Callable[[float], float]) -> None:
        """Count times on another clock."""
        self.lives = [replace(one, birth=clock(one.birth)) for one in self.lives]
        self.deaths = [
            replace(one, birth=clock(one.birth), death=clock(one.death)) for one in self.deaths
        ]


def window(totals: dict[str, Any], until: float) -> tuple[float, float]:
    """Give the time from which a run is judged, and the mean that holds for all of it.

    From the start, at the coarsest mean that was ever in force; or, once that is half of the run,
    from when the mean was last lowered, as if the sampler had been started then.
    """
    narrowed: float = totals.get("narrowed_seconds", 0.0)
    if 0.0 < narrowed <= until / 2:
        return narrowed, totals["mean_bytes"]
    return 0.0, totals.get("coarsest_mean_bytes", 0.0)


def bytes_alive(lives: Iterable[Life], mean: float) -> float:
    """Estimate what lives stand for, each under its own mean, or a coarser present one."""
    return sum(life.size * represented(life.size, max(life.mean, mean)) for life in lives)


def unpacked(packed: bytes) -> Iterable[Life]:
    """Give the lives of records of `LIFE_FORMAT`."""
    for birth, death, size, node, mean, reach, kind in struct.iter_unpack(
        _core.sampler.LIFE_FORMAT, packed
    ):
        recycled = kind == _RECYCLED or size in _KEY_TABLES
        died = None if death < 0 else death * 1e-9
        yield Life(birth * 1e-9, died, size, node, reach, recycled, mean)
