"""Metric families as plain data, by Prometheus' conventions and free of its client library."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

PREFIX = "klg_"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with its samples.

    Attributes
    ----------
    name : str
        With the prefix, in base units; a counter's without ``_total``.
    kind : str
        ``gauge``, ``counter`` or ``info``.
    labels : tuple of str
        Names of the labels.
    samples : list of (tuple of str, float)
        Label values, and the value. Whoever makes a family bounds their number.
    """

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    samples: list[tuple[tuple[str, ...], float]] = field(default_factory=list)


Source = Callable[[], Iterable[Family]]
"""Gives the families of one part of the system; called for every scrape, so it is quick."""


def gauge(name: str, text: str, value: float) -> Family:
    """Make a gauge without labels."""
    return Family(PREFIX + name, "gauge", text, (), [((), value)])


def counter(name: str, text: str, value: float) -> Family:
    """Make a counter without labels."""
    return Family(PREFIX + name, "counter", text, (), [((), value)])
