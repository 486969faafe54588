"""Judges simulated lives as a monitor would, at every window of a run."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.runtime import verdict
from kimera_leakguard_native.runtime.life_table import Life
from kimera_leakguard_native.runtime.stack_lives import StackLives
from simulated import behaviours

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.model.site import SiteVerdict

FIRST_WINDOW = 20
IN_A_ROW = 3
"""Windows that an alarm must last."""

MEAN = 1.0
"""Every object of a simulation is a sample of its own."""


@dataclass(frozen=True)
class Course:
    """The alarms of one site over a run.

    Attributes
    ----------
    first : int or None
        The window at which an alarm had lasted.
    last : bool
        Whether the last window has a lasting alarm.
    ever : bool
        Whether one window had an alarm, lasting or not.
    """

    first: int | None
    last: bool
    ever: bool


def site_of(name: str) -> Frame:
    return Frame(f"/{name}.py", 1, name)


def judge(sites: dict[str, list[tuple[float, float]]], now: float) -> dict[str, SiteVerdict]:
    """Judge the sites of a run together, by name."""
    allocated = sorted(birth for lives in sites.values() for birth, _ in lives)

    def activity(begin: float, end: float) -> float:
        return bisect.bisect(allocated, end) - bisect.bisect(allocated, begin)

    by_site: dict[Frame | None, list[StackLives]] = {}
    for name, lives in sites.items():
        births, deaths = behaviours.observe(lives, now)
        alive = [Life(birth, None, behaviours.SIZE, 1, 1e9) for birth in births]
        by_site[site_of(name)] = [StackLives((site_of(name),), alive, deaths)]
    return {one.function: one for one in verdict.of_sites(by_site, now, MEAN, activity)}


def course(alarms: list[bool]) -> Course:
    """Sum up alarms from `FIRST_WINDOW` on."""
    streak, first = 0, None
    for window, alarm in enumerate(alarms, FIRST_WINDOW):
        streak = streak + 1 if alarm else 0
        if streak >= IN_A_ROW and first is None:
            first = window
    return Course(first, streak >= IN_A_ROW, any(alarms))


def follow(
    lives: list[tuple[float, float]], alarm: Callable[[SiteVerdict], bool], name: str = "site"
) -> Course:
    """Judge one site at every window."""
    windows = range(FIRST_WINDOW, int(behaviours.LENGTH) + 1)
    return course([alarm(judge({name: lives}, float(now))[name]) for now in windows])
