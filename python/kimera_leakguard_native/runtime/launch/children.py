"""Forked children of an observed program: each records into a file of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kimera_leakguard_native import _core
from kimera_leakguard_native.errors import LeakGuardError
from kimera_leakguard_native.runtime import verdict
from kimera_leakguard_native.runtime.heap_profile import ProfileBuilder
from kimera_leakguard_native.runtime.observation import MAX_SITES, Observation
from kimera_leakguard_native.runtime.process import resident

if TYPE_CHECKING:
    from kimera_leakguard_native.model.profile import HeapProfile
    from kimera_leakguard_native.model.site import RunReport, SiteVerdict

MAX_OBSERVED = 256
"""Children observed at one time; further ones run unobserved and are counted."""

_SITES_OF_A_CHILD = 100
_MEMORY = "/dev/shm"


@dataclass(slots=True)
class _Child:
    pid: int
    capture: _core.sampler.Capture
    observation: Observation


class Children:
    """Finds the children of a run, observes them, and adds what they keep to its report."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(
            prefix="klg-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None
        )
        self.unobserved = 0
        self._running: dict[int, _Child] = {}
        self._ended: list[RunReport] = []
        self._profiles = ProfileBuilder()

    def poll(self) -> None:
        """Take new children up, read the running ones, and judge those that have ended."""
        for name in os.listdir(self.folder):
            self._take_up(name)
        for child in list(self._running.values()):
            child.observation.poll()
            if _has_ended(child.pid):
                self._end(child)

    def close(self) -> None:
        """Remove the folder; children that still run go on into files without a name."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def add_to(self, report: RunReport) -> RunReport:
        """Merge the children's sites into the report of the program that was started."""
        self.poll()
        for child in list(self._running.values()):
            self._end(child)
        reports = [report, *self._ended]
        if len(reports) == 1:
            return report
        by_place: dict[tuple[str | None, int, str], list[SiteVerdict]] = defaultdict(list)
        for one in reports:
            for site in one.sites:
                by_place[site.file, site.line, site.function].append(site)
        sites = sorted((_merged(same) for same in by_place.values()), key=verdict.order)
        return replace(
            report,
            samples=sum(one.samples for one in reports),
            allocated_bytes_estimate=sum(one.allocated_bytes_estimate for one in reports),
            process={**report.process, "processes": len(reports), "unobserved": self.unobserved},
            sites=sites[:MAX_SITES],
            process_verdict=_worst(reports),
            profile=self._profile_with(report),
        )

    def _profile_with(self, report: RunReport) -> HeapProfile | None:
        own = report.profile
        if own is not None:
            self._profiles.add(own.names, own.calls, own.stacks)
        return self._profiles.build(report.duration_s, own.mean_bytes if own else 0.0)

    def _take_up(self, name: str) -> None:
        path = os.path.join(self.folder, name)
        if len(self._running) >= MAX_OBSERVED:
            self.unobserved += 1
            with contextlib.suppress(OSError):
                os.unlink(path)
            return
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return
        try:
            capture = _core.sampler.Capture(descriptor)
            if not capture.begun():
                return  # half made: the next poll finds it again
            os.unlink(path)
        except (OSError, LeakGuardError):
            return
        finally:
            os.close(descriptor)
        pid = int(name)
        self._running[pid] = _Child(pid, capture, Observation(capture, lambda: resident(pid)))

    def _end(self, child: _Child) -> None:
        self._running.pop(child.pid, None)
        report = child.observation.report(ended=True)
        profile = report.profile
        if profile is not None:
            self._profiles.add(profile.names, profile.calls, profile.stacks)
        self._ended.append(_kept(report))


def _kept(report: RunReport) -> RunReport:
    """Keep the sites that count, so that thousands of children stay small."""
    return replace(report, sites=report.sites[:_SITES_OF_A_CHILD], profile=None)


def _merged(same: list[SiteVerdict]) -> SiteVerdict:
    first = min(same, key=verdict.order)
    if len(same) == 1:
        return first
    return replace(
        first,
        live_bytes=sum(site.live_bytes for site in same),
        growth_bytes_per_s=sum(site.growth_bytes_per_s for site in same),
        evidence=f"{first.evidence}; seen in {len(same)} processes",
    )


def _worst(reports: list[RunReport]) -> str:
    found = [report.process_verdict for report in reports]
    for worst in ("leak", "native", "retention"):
        if worst in found:
            return worst
    return found[0]


def _has_ended(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] in {b"Z", b"X"}
    except (OSError, IndexError):
        return True
