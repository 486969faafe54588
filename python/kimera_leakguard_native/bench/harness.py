"""Timings that can be trusted: interleaved rounds, medians, ratios round by round."""

from __future__ import annotations

import random
import statistics
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for.

    Attributes
    ----------
    peers : bool
        Whether to time installed peers as well.
    quick, large : bool
        Fewer rounds, or the largest workloads too.
    seed : int
        Seed of every random workload.
    source : Path, optional
        Source code to check beside the synthetic projects.
    """

    peers: bool = False
    quick: bool = False
    large: bool = False
    seed: int = 0
    source: Path | None = None

    def rounds(self, full: int) -> int:
        """Give the number of rounds: a third, at least three, with `--quick`."""
        return max(3, full // 3) if self.quick else full


@dataclass(frozen=True, slots=True)
class Measurement:
    """Median and spread of one figure."""

    median: float
    min: float
    max: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Measurement:
        """Summarise the values of all rounds."""
        return cls(statistics.median(values), min(values), max(values), len(values))


@dataclass(frozen=True, slots=True)
class Other:
    """What ours was timed beside.

    Attributes
    ----------
    role : str
        ``peer`` (does the same job), ``floor`` (cannot be beaten) or ``replica`` (the original's
        way, written again).
    ratio : float
        Median over the rounds; above 1 is a win for us, whichever direction is better.
    """

    role: str
    median: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report.

    Attributes
    ----------
    better : str
        ``lower`` or ``higher``.
    checked : bool
        Whether the timed result was compared with an oracle in this very run.
    hits : int or None
        Planted positives that the timed work found, where it looks for any.
    ours : Measurement or None
        None for what cannot be measured; `note` says why.
    """

    name: str
    case: str
    unit: str
    better: str
    ours: Measurement | None
    others: dict[str, Other] = field(default_factory=dict)
    checked: bool = False
    hits: int | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give the result as the JSON report has it."""
        return asdict(self)


def interleave(
    timers: Mapping[str, Callable[[], float]], rounds: int, seed: int = 0
) -> dict[str, list[float]]:
    """Call every timer once a round, in a new random order each round.

    Parameters
    ----------
    timers : mapping of str to callable
        Each does its work once and gives the figure (not necessarily a time).
    rounds : int
        Counted rounds, after one that is thrown away.

    Returns
    -------
    dict of str to list of float
        Figures by name, in the order of the rounds.
    """
    order = random.Random(seed)
    names = list(timers)
    figures: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-1, rounds):
        order.shuffle(names)
        for name in names:
            value = timers[name]()
            if number >= 0:
                figures[name].append(value)
    return figures


def compare(
    name: str,
    case: str,
    unit: str,
    ours: Callable[[], float],
    others: Mapping[str, tuple[str, Callable[[], float]]],
    *,
    rounds: int,
    better: str = "lower",
    seed: int = 0,
    checked: bool = False,
    hits: int | None = None,
) -> Result:
    """Time ours beside others in one run.

    Parameters
    ----------
    others : mapping of str to (role, callable)
        See `Other.role`.
    checked : bool
        True only where the caller has compared the timed result with an oracle.
    """
    figures = interleave(
        {"": ours, **{key: call for key, (_, call) in others.items()}}, rounds, seed
    )
    mine = figures.pop("")
    return Result(
        name=name,
        case=case,
        unit=unit,
        better=better,
        ours=Measurement.of(mine),
        others={
            key: Other(others[key][0], statistics.median(values), _ratio(mine, values, better))
            for key, values in figures.items()
        },
        checked=checked,
        hits=hits,
    )


def _ratio(mine: Sequence[float], theirs: Sequence[float], better: str) -> float:
    pairs = [(t, m) if better == "lower" else (m, t) for m, t in zip(mine, theirs, strict=True)]
    return statistics.median(a / b for a, b in pairs)
