"""One observed run: reads a sampler's capture, in this process or another, and judges it."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.model.profile import StackTotals
from kimera_leakguard_native.model.site import RunReport, SiteVerdict
from kimera_leakguard_native.runtime import bounds, overhead, teardown, verdict
from kimera_leakguard_native.runtime.call_stacks import CallStacks, is_application
from kimera_leakguard_native.runtime.detectors.enlarging import Size
from kimera_leakguard_native.runtime.detectors.flux import Population
from kimera_leakguard_native.runtime.detectors.native import unexplained_growth
from kimera_leakguard_native.runtime.detectors.retention import retention
from kimera_leakguard_native.runtime.detectors.suspicion import suspicion
from kimera_leakguard_native.runtime.heap_profile import ProfileBuilder
from kimera_leakguard_native.runtime.levels import LARGE, Large, LevelHistory
from kimera_leakguard_native.runtime.life_table import Deaths, Life, LifeTable
from kimera_leakguard_native.runtime.lives import LivesOfStack, bytes_alive, unpacked, window
from kimera_leakguard_native.runtime.snapshot import Site, Snapshot, represented
from kimera_leakguard_native.runtime.stack_lives import StackLives
from kimera_leakguard_native.runtime.timeline import CHeap, Point, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kimera_leakguard_native import _core
    from kimera_leakguard_native.model.profile import HeapProfile
    from kimera_leakguard_native.runtime.process import Resident

MAX_SITES = 1000
"""Sites in a report, by growth."""

_NATIVE_ADVICE = {
    "off": "; `klg run --preload`, or native='got', would show where",
    "got": "; unseen by native='got': `klg run --preload` would show where, unless it is mmap",
    "preload": "; no line of Python that is known",
}

_C_HEAP_STALE = 5.0
"""Seconds after which a reading of the C library's figures says nothing about now."""


class Observation:
    """What is known of a run; `poll` it more often than old objects die by the ten thousand.

    Parameters
    ----------
    capture : Capture
        Written by a sampler in this process or another, which may die at any moment.
    resident : callable
        Gives the resident bytes of the observed process now, zeros where they are not known.
    looks : bool
        Whether `poll` also looks at what is alive now and then; else `look` is for the caller.
    """

    def __init__(
        self,
        capture: _core.sampler.Capture,
        resident: Callable[[], Resident],
        *,
        looks: bool = True,
    ) -> None:
        self._capture = capture
        self._resident = resident
        self._stacks = CallStacks()
        self._table: LifeTable | None = None
        self._mean = 0.0
        self._recent: deque[Life] = deque()
        self._folded = 0
        self.timeline = Timeline()
        self.levels = LevelHistory()
        self._looks = looks
        self.lost = 0

    def poll(self) -> dict[str, Any]:
        """Take over what has happened since the last call and give the totals."""
        totals = self._capture.totals()
        if not self._capture.begun():
            return totals
        if self._table is None:
            self._table = LifeTable(totals["mean_bytes"])
        packed, lost = self._capture.new_deaths()
        self._recent.extend(unpacked(packed))
        self.lost += lost
        self._fold(totals["seconds"] - teardown.KEPT_SECONDS)
        if totals["mean_bytes"] != self._mean:
            self._mean = totals["mean_bytes"]
            self._table.thin(self._mean)
        if totals["running"]:
            memory = self._resident()
            self.timeline.add(
                Point(
                    totals["seconds"],
                    totals["allocated_bytes"],
                    memory.total,
                    memory.file,
                    _c_heap(totals),
                )
            )
            if self._looks and self.levels.due(totals["seconds"]):
                self.look(totals["seconds"])
        return totals

    def snapshot(self) -> Snapshot:
        """Give the live memory by site, the largest first."""
        self.poll()
        held = self._capture.held(LARGE)
        totals = self._capture.totals()
        self._stacks.read(self._capture)
        sites: dict[Frame | None, Site] = {}
        for node, samples, size, _, _ in held:
            if self._stacks.is_own(node):
                continue
            frame = self._stacks.site(node)
            known = sites.get(frame)
            sites[frame] = Site(
                file=frame.file if frame else None,
                line=frame.line if frame else 0,
                function=frame.function if frame else "",
                live_bytes=size + (known.live_bytes if known else 0.0),
                samples=samples + (known.samples if known else 0),
                stack=known.stack if known else self._stacks.frames(node),
            )
        ordered = sorted(sites.values(), key=lambda one: one.live_bytes, reverse=True)
        return Snapshot(
            seconds=totals["seconds"],
            mean_bytes=totals.get("mean_bytes", 0.0),
            samples=totals["samples"],
            allocated_bytes=totals["allocated_bytes"],
            allocated_standard_error=totals["allocated_standard_error"],
            live_bytes=sum(site.live_bytes for site in ordered),
            sites=tuple(ordered),
        )

    def profile(self, until: float = math.inf) -> HeapProfile:
        """Give what each stack has allocated since the start, and what it held at a time."""
        self.poll()
        allocated = self._capture.allocated()
        lives, totals = self._all_lives()
        mean = totals.get("mean_bytes", 0.0)
        populations = self._populations(lives, mean, until)
        nodes = [
            node
            for node in {*populations, *(n for n, (count, _) in enumerate(allocated) if count)}
            if not self._stacks.is_own(node)
        ]
        names, calls, numbers = self._stacks.tree(nodes)
        stacks = []
        for node in nodes:
            # A stack may have been met for the first time after the totals were read.
            count, size = allocated[node] if node < len(allocated) else (0.0, 0.0)
            alive = populations[node].lives
            objects = sum(represented(life.size, max(life.mean, mean)) for life in alive)
            held = bytes_alive(alive, mean)
            stacks.append(StackTotals(numbers[node], count, size, objects, held))
        builder = ProfileBuilder()
        builder.add(names, calls, stacks)
        return builder.build(totals.get("seconds", 0.0), mean)

    def verdicts(self) -> list[SiteVerdict]:
        """Judge every site that has aged objects or live ones, the fastest growing first."""
        return self._judge(self.poll()["seconds"])

    def verdicts_by(self, clock: Callable[[float], float], now: float) -> list[SiteVerdict]:
        """Judge the sites of the application on a clock of one's own.

        Parameters
        ----------
        clock : callable
            From seconds since the start to its own time.
        now : float
            On that clock.
        """
        self.poll()
        return self._judge(now, clock)

    def report(self, *, ended: bool = False) -> RunReport:
        """Give the result of the run so far.

        Parameters
        ----------
        ended : bool
            Whether the program has ended: then it is judged as it was before its teardown.
        """
        totals = self.poll()
        seconds = totals.get("seconds", 0.0)
        until = seconds
        if ended:
            until = teardown.judged_until(self._recent, self._folded, seconds)
        sites = self._judge(until) if totals else []
        resident = self.timeline.rss_between(0.0, seconds)
        rss = [size for _, size in resident] or [0]
        points = totals.get("expected_points", 0.0)
        return RunReport(
            duration_s=seconds,
            samples=totals.get("points", 0),
            sample_bytes_effective=totals["allocated_bytes"] / points if points else self._mean,
            allocated_bytes_estimate=totals.get("allocated_bytes", 0.0),
            overhead=overhead.described(totals),
            process={"rss_start": rss[0], "rss_end": rss[-1], **self._c_heap_change(seconds)},
            sites=sites[:MAX_SITES],
            process_verdict=verdict.of_process(sites, seconds, totals.get("samples", 0)),
            ended=time.time(),
            timeline=resident,
            profile=self.profile(until) if self._capture.begun() else None,
        )

    def _judge(
        self, until: float, clock: Callable[[float], float] | None = None
    ) -> list[SiteVerdict]:
        lives, totals = self._all_lives()
        since, mean = window(totals, until)
        stacks = self._populations(lives, mean, math.inf if clock else until, since)
        if clock is not None or since > 0.0:
            for stack in stacks.values():
                stack.set_to(clock or (lambda time: time - since))
        sizes = self._sizes(until, since)
        activity = _elapsed if clock else self.timeline.allocated_from(since)
        for node in sizes:
            stacks.setdefault(node, LivesOfStack())
        by_site: dict[Frame | None, list[StackLives]] = defaultdict(list)
        for node, stack in stacks.items():
            site = self._stacks.site(node)
            if self._stacks.is_own(node) or (clock and not (site and is_application(site.file))):
                continue
            by_site[site].append(
                StackLives(
                    self._stacks.frames(node), stack.lives, stack.deaths, sizes.get(node, ())
                )
            )
        judged = verdict.of_sites(by_site, until - since, mean, activity)
        if since > 0.0:
            judged = self._with_all_that_lives(judged, lives, totals["mean_bytes"])
        sites = bounds.weigh(judged)
        if clock is None:
            sites += self._of_process(sites, until)
        sites.sort(key=verdict.order)
        return sites

    def _of_process(self, sites: list[SiteVerdict], until: float) -> Iterable[SiteVerdict]:
        """Give what the process as a whole shows and no site does."""
        explained = sum(max(0.0, site.growth_bytes_per_s) for site in sites)
        native = unexplained_growth(
            self.timeline.private_between(until / 3, until),
            explained,
            self.timeline.heap_between(until / 3, until),
        )
        if native is not None:
            unlocated = verdict.of_native(native)
            if native.cause in {"", "malloc"}:
                advice = _NATIVE_ADVICE[self._capture.totals()["native"]]
                unlocated = replace(unlocated, evidence=unlocated.evidence + advice)
            yield unlocated
        heap = self.timeline.heap_between(0.0, until)
        rss = self.timeline.private_between(0.0, until)
        c_free = heap[-1][1].free if heap else None
        live = [(level.time, level.live) for level in self.levels.until(until)]
        kept = retention(live, rss, until, c_free=c_free)
        if kept is None:
            handed_out = [(time, float(one.used)) for time, one in heap]
            kept = retention(handed_out, rss, until, what="blocks of the C library", c_free=c_free)
        if kept is not None:
            yield verdict.of_retention(kept)

    def _c_heap_change(self, until: float) -> dict[str, int]:
        heap = self.timeline.heap_between(0.0, until)
        if not heap:
            return {}
        return {
            "c_heap_used_start": heap[0][1].used,
            "c_heap_used_end": heap[-1][1].used,
            "c_heap_free_end": heap[-1][1].free,
        }

    def look(self, time: float) -> None:
        """Note how much is alive, and where in large blocks."""
        held = self._capture.held(LARGE)
        live = sum(size for _, _, size, _, _ in held)
        large = {node: Large(total, largest) for node, _, _, total, largest in held if largest}
        self.levels.add(time, live, large)

    def _sizes(self, until: float, since: float) -> dict[int, list[Size]]:
        """Give the sizes of large blocks from a time on, for stacks that have some now."""
        levels = [level for level in self.levels.until(until) if level.time >= since]
        none = Large(0, 0)
        return {
            node: [
                Size(level.time - since, found.total, found.largest)
                for level in levels
                for found in (level.large.get(node, none),)
            ]
            for node in (levels[-1].large if levels else ())
        }

    def _fold(self, before: float) -> None:
        """Move deaths before a time from the list of single ones into the table."""
        if self._table is None:
            return
        old = []
        while self._recent and (self._recent[0].death or 0.0) < before:
            old.append(self._recent.popleft())
        self._folded += len(old)
        self._table.add(old)

    def suspicious(self) -> bool:
        """Whether a site may leak and has too few samples to say so; needs no verdict."""
        lives, totals = self._all_lives()
        now = totals.get("seconds", 0.0)
        since, mean = window(totals, now)
        sites: dict[Frame | None, Population] = defaultdict(Population)
        for node, stack in self._populations(lives, mean, math.inf, since).items():
            if not self._stacks.is_own(node):
                site = sites[self._stacks.site(node)]
                site.births += [life.birth - since for life in stack.lives]
                stack.set_to(lambda time: time - since)
                site.deaths += stack.deaths
        return any(suspicion(site, now - since) for site in sites.values())

    def _all_lives(self) -> tuple[list[Life], dict[str, Any]]:
        """Give the lives, and totals that were read after them.

        The mean may be widened while samples are read: one that holds for all is taken after.
        """
        lives = list(unpacked(self._capture.live()))
        totals = self._capture.totals()
        self._stacks.read(self._capture)
        return lives + list(self._recent), totals

    def _populations(
        self, lives: Iterable[Life], mean: float, until: float = math.inf, since: float = 0.0
    ) -> dict[int, LivesOfStack]:
        """Give the lives of each stack that a sampler of this mean would have seen, at a time.

        Parameters
        ----------
        until, since : float
            What was born outside is left out, and what died later is alive.
        """
        stacks: dict[int, LivesOfStack] = defaultdict(LivesOfStack)
        for life in lives:
            if life.reach < mean or not since <= life.birth <= until:
                continue
            stack = stacks[life.node]
            if life.death is None or life.death > until:
                stack.lives.append(replace(life, death=None))
            else:
                stack.deaths.append(Deaths(life.birth, life.death, 1, life.size, life.recycled))
        if self._table is not None:
            for node in list(self._table.nodes()):
                deaths = self._table.deaths(node, mean)
                stacks[node].deaths += [one for one in deaths if one.birth >= since]
        return stacks

    def _with_all_that_lives(
        self, sites: Iterable[SiteVerdict], lives: Iterable[Life], mean: float
    ) -> list[SiteVerdict]:
        """Count what is from before the time that was judged as alive too."""
        live: dict[Frame | None, float] = defaultdict(float)
        for node, stack in self._populations(lives, mean).items():
            live[self._stacks.site(node)] += bytes_alive(stack.lives, mean)
        return [
            replace(one, live_bytes=max(one.live_bytes, round(live[frame])))
            for one in sites
            for frame in [Frame(one.file, one.line, one.function) if one.file else None]
        ]


def _c_heap(totals: dict[str, Any]) -> CHeap | None:
    read = totals["c_heap_seconds"]
    if read < 0 or totals["seconds"] - read > _C_HEAP_STALE:
        return None
    return CHeap(totals["c_heap_used"], totals["c_heap_free"])


def _elapsed(begin: float, end: float) -> float:
    return end - begin
