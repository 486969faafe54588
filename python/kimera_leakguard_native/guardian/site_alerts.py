"""Leaking sites of this process, where its sampler runs: readings to alert on, and reports."""

from __future__ import annotations

from time import monotonic, time
from typing import TYPE_CHECKING

from kimera_leakguard_native.guardian import kept_by_calls
from kimera_leakguard_native.guardian.alerts import Reading
from kimera_leakguard_native.guardian.kept_by_calls import CONFIRMED
from kimera_leakguard_native.model.guardian import (
    LeakDetectionResult,
    MemoryAllocation,
    MemoryLeakReport,
)
from kimera_leakguard_native.runtime import sampler

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.model.guardian import FunctionSummary, MemorySnapshot
    from kimera_leakguard_native.model.site import SiteVerdict

LEAST_SECONDS = 30.0
SPACING = 1 / 20
"""Of the time since the first look, between two looks."""

MAX_SITES = 20
"""Leaking sites that are reported at a time, the fastest growing."""

LIKELY = 0.5


class SiteAlerts:
    """Looks at the verdicts now and then: judging all sites costs more than reading the RSS.

    Parameters
    ----------
    report : callable
        Takes the report on a leaking site, at every look; its `leak_id` is that of the place. Then
        that on a decorated function whose calls keep what leaks.
    summary_of : callable
        Gives the static summary of a decorated function, None where there is none.
    """

    def __init__(
        self,
        report: Callable[[MemoryLeakReport], object],
        summary_of: Callable[[kept_by_calls.Key], FunctionSummary | None],
    ) -> None:
        self._report = report
        self._summary_of = summary_of
        self._first: float | None = None
        self._last = 0.0
        self._leaking: dict[str, SiteVerdict] = {}

    def readings(self, _snapshot: MemorySnapshot) -> list[Reading]:
        """Give one for each site that leaks, or did at the last look; none between two looks."""
        now = monotonic()
        if self._first is None:
            self._first = now
        elif now - self._last < max(LEAST_SECONDS, (now - self._first) * SPACING):
            return []
        self._last = now
        found = [one for one in sampler.verdicts() if one.verdict == "leak"]
        leaks = found[:MAX_SITES]
        before, self._leaking = self._leaking, {_name(site): site for site in leaks}
        for name, site in self._leaking.items():
            self._report(_report(name, site))
        for report in kept_by_calls.reports_of(found, self._summary_of)[:MAX_SITES]:
            self._report(report)
        over = [_reading(name, before[name], 0.0) for name in before if name not in self._leaking]
        return over + [_reading(n, site, site.confidence) for n, site in self._leaking.items()]


def _name(site: SiteVerdict) -> str:
    return f"{site.file}:{site.line}"


def _reading(name: str, site: SiteVerdict, confidence: float) -> Reading:
    return Reading(
        f"leak {name}",
        "CRITICAL" if confidence >= CONFIRMED else "HIGH",
        confidence,
        LIKELY - 1e-9,  # the limit itself is an alert here
        f"{name} in {site.function} leaks {site.growth_bytes_per_s / 1024:.1f} KiB/s,"
        f" {site.live_bytes / 2**20:.1f} MiB so far: {site.evidence}",
        ("look at what keeps the objects made there", "read `klg.verdicts()` for its call stack"),
    )


def _report(name: str, site: SiteVerdict) -> MemoryLeakReport:
    confirmed = site.confidence >= CONFIRMED
    stack = [f"{frame.file}:{frame.line} in {frame.function}" for frame in site.stack]
    return MemoryLeakReport(
        leak_id=f"site_{name}",
        detection_result=LeakDetectionResult.CONFIRMED_LEAK
        if confirmed
        else LeakDetectionResult.POTENTIAL_LEAK,
        allocation_site=MemoryAllocation(
            allocation_id=name,
            function_name=site.function,
            line_number=site.line,
            allocation_type="sampled",
            size_bytes=site.live_bytes,
            timestamp=time(),
            call_stack=stack,
        ),
        leak_path=stack,
        confidence_score=site.confidence,
        fix_suggestions=[f"run `klg check {site.file}`: it may say what keeps the objects"],
        impact_assessment=f"{site.growth_bytes_per_s * 60 / 2**20:.2f} MiB a minute; "
        + site.evidence,
    )
