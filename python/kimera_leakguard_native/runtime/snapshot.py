"""The live memory of a process at one moment, by site."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.model.frame import Frame


@dataclass(frozen=True, slots=True)
class Site:
    """A place that allocates.

    Attributes
    ----------
    file, line, function : str or None, int, str
        The first application frame; `file` is None where no Python stack was running.
    live_bytes : float
        Estimated.
    samples : int
        Sampled objects that the estimate rests on.
    stack : tuple of Frame
        One of the stacks that lead here, innermost call first.
    """

    file: str | None
    line: int
    function: str
    live_bytes: float
    samples: int
    stack: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is alive.

    Attributes
    ----------
    seconds : float
        Since the sampler was started.
    mean_bytes : float
        Mean distance of two sample points now.
    samples : int
        Allocations sampled so far.
    allocated_bytes, allocated_standard_error : float
        Estimate of all that was allocated since the start.
    live_bytes : float
        Estimate of what of it is alive.
    sites : tuple of Site
        The largest first.
    """

    seconds: float
    mean_bytes: float
    samples: int
    allocated_bytes: float
    allocated_standard_error: float
    live_bytes: float
    sites: tuple[Site, ...]


def represented(size: int, mean: float) -> float:
    """Give how many allocations of a size one sample stands for: 1 / (1 - exp(-size / mean))."""
    return 1.0 / -math.expm1(-size / mean) if size > 0 else 0.0


def live_bytes(sizes: Iterable[int], mean: float) -> float:
    """Estimate the bytes for which samples stand."""
    return sum(size * represented(size, mean) for size in sizes)
