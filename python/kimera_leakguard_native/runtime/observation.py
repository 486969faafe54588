"""One observed run: reads a sampler's capture, in this process or another, and judges it."""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native import _core
from kimera_leakguard_native.model.site import Frame, RunReport, SiteVerdict
from kimera_leakguard_native.runtime import verdict
from kimera_leakguard_native.runtime.call_stacks import CallStacks
from kimera_leakguard_native.runtime.detectors.flux import Population
from kimera_leakguard_native.runtime.detectors.native import unexplained_growth
from kimera_leakguard_native.runtime.life_table import Life, LifeTable
from kimera_leakguard_native.runtime.snapshot import Site, Snapshot, live_bytes
from kimera_leakguard_native.runtime.timeline import Point, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_SITES = 1000
"""Sites in a report, by growth."""


@dataclass(slots=True)
class _Stack:
    lives: list[Life] = field(default_factory=list)
    population: Population = field(default_factory=Population)


class Observation:
    """What is known of a run; `poll` it more often than old objects die by the ten thousand.

    Parameters
    ----------
    capture : Capture
        Written by a sampler in this process or another, which may die at any moment.
    resident : callable
        Gives the resident bytes of the observed process now, 0 where they are not known.
    """

    def __init__(self, capture: _core.sampler.Capture, resident: Callable[[], int]) -> None:
        self._capture = capture
        self._resident = resident
        self._stacks = CallStacks()
        self._table: LifeTable | None = None
        self._mean = 0.0
        self.timeline = Timeline()
        self.lost = 0

    def poll(self) -> dict[str, Any]:
        """Take over what has happened since the last call and give the totals."""
        totals = self._capture.totals()
        if not self._capture.begun():
            return totals
        if self._table is None:
            self._table = LifeTable(totals["mean_bytes"])
        packed, lost = self._capture.new_deaths()
        self._table.add(_lives(packed))
        self.lost += lost
        if totals["mean_bytes"] != self._mean:
            self._mean = totals["mean_bytes"]
            self._table.thin(self._mean)
        if totals["running"]:
            self.timeline.add(Point(totals["seconds"], totals["allocated_bytes"], self._resident()))
        return totals

    def snapshot(self) -> Snapshot:
        """Give the live memory by site, the largest first."""
        totals = self.poll()
        stacks, mean = self._populations()
        sites: dict[Frame | None, Site] = {}
        for node, stack in stacks.items():
            if not stack.lives:
                continue
            frame = self._stacks.site(node)
            size = live_bytes((life.size for life in stack.lives), mean)
            known = sites.get(frame)
            sites[frame] = Site(
                file=frame.file if frame else None,
                line=frame.line if frame else 0,
                function=frame.function if frame else "",
                live_bytes=size + (known.live_bytes if known else 0.0),
                samples=len(stack.lives) + (known.samples if known else 0),
                stack=known.stack if known else self._stacks.frames(node),
            )
        ordered = sorted(sites.values(), key=lambda one: one.live_bytes, reverse=True)
        return Snapshot(
            seconds=totals["seconds"],
            mean_bytes=mean,
            samples=totals["samples"],
            allocated_bytes=totals["allocated_bytes"],
            allocated_standard_error=totals["allocated_standard_error"],
            live_bytes=sum(site.live_bytes for site in ordered),
            sites=tuple(ordered),
        )

    def verdicts(self) -> list[SiteVerdict]:
        """Judge every site that has aged objects or live ones, the fastest growing first."""
        return self._judge(self.poll())

    def report(self) -> RunReport:
        """Give the result of the run so far."""
        totals = self.poll()
        sites = self._judge(totals)
        seconds = max(totals["seconds"], 1e-9) if totals else 0.0
        rss = [size for _, size in self.timeline.rss_between(0.0, seconds)] or [0]
        process = verdict.of_process(sites, seconds, totals.get("samples", 0))
        points = totals.get("expected_points", 0.0)
        return RunReport(
            duration_s=seconds,
            samples=totals.get("points", 0),
            sample_bytes_effective=totals["allocated_bytes"] / points if points else self._mean,
            allocated_bytes_estimate=totals.get("allocated_bytes", 0.0),
            overhead={"estimated_fraction": totals.get("self_seconds", 0.0) / seconds},
            process={"rss_start": rss[0], "rss_end": rss[-1]},
            sites=sites[:MAX_SITES],
            process_verdict=process,
        )

    def _judge(self, totals: dict[str, Any]) -> list[SiteVerdict]:
        now = totals["seconds"]
        stacks, mean = self._populations()
        by_site: dict[Frame | None, list[verdict.StackLives]] = defaultdict(list)
        for node, stack in stacks.items():
            by_site[self._stacks.site(node)].append(
                verdict.StackLives(self._stacks.frames(node), stack.population, stack.lives)
            )
        sites = verdict.of_sites(by_site, now, mean, self.timeline.allocated_between)
        explained = sum(site.growth_bytes_per_s for site in sites)
        native = unexplained_growth(self.timeline.rss_between(now / 3, now), explained)
        if native is not None:
            sites.append(verdict.of_native(native))
        sites.sort(key=lambda site: site.growth_bytes_per_s, reverse=True)
        return sites

    def _populations(self) -> tuple[dict[int, _Stack], float]:
        stacks: dict[int, _Stack] = defaultdict(_Stack)
        lives = list(_lives(self._capture.live()))
        # The mean may be widened while samples are read: one that holds for all is taken after.
        mean: float = self._capture.totals()["mean_bytes"]
        for life in lives:
            if life.reach >= mean:
                stack = stacks[life.node]
                stack.lives.append(life)
                stack.population.births.append(life.birth)
        if self._table is not None:
            for node in list(self._table.nodes()):
                deaths = list(self._table.deaths(node, mean))
                if deaths:
                    stacks[node].population.deaths = deaths
        self._stacks.read(self._capture)
        return {n: stack for n, stack in stacks.items() if not self._stacks.is_own(n)}, mean


def _lives(packed: bytes) -> Iterable[Life]:
    for birth, death, size, node, _weight, reach in struct.iter_unpack(
        _core.sampler.LIFE_FORMAT, packed
    ):
        yield Life(birth * 1e-9, None if death < 0 else death * 1e-9, size, node, reach)
