"""Joins growing sites with static findings at the same line.

A finding at a line of a growing stack is *confirmed* by what the process does, and the site is
*explained* by the finding's path.
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from kimera_leakguard_native.model.guardian import LeakDetectionResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kimera_leakguard_native.model.finding import Finding
    from kimera_leakguard_native.model.site import RunReport, SiteVerdict

_LOG = logging.getLogger(__name__)

MAX_FILES = 50
"""Files that one report has analysed at most: those of the sites that grow fastest."""


def explain(
    report: RunReport, findings_in: Callable[[Iterable[str]], list[Finding]] | None = None
) -> RunReport:
    """Analyse the files of the growing stacks and join what is found there.

    Parameters
    ----------
    report : RunReport
        Sites in order of growth, the fastest first.
    findings_in : callable, optional
        Files to findings; the analyzer by default.

    Returns
    -------
    RunReport
        The report with `SiteVerdict.finding` set where a finding explains the site, and these
        findings, as confirmed leaks where the verdict is one, in `RunReport.findings`. The report
        comes back as it was when the analyzer fails: a run must not be lost to it.
    """
    growing = [site for site in report.sites if _grows(site)]
    files = _files_of(growing)
    if not files:
        return report
    try:
        findings = (findings_in or _analyzer())(files)
    except Exception:  # noqa: BLE001 - any fault of the analyzer must leave the run's result whole
        _LOG.exception("static analysis of the growing files failed; the report is without it")
        return report

    sites: list[SiteVerdict] = []
    explaining: list[Finding] = []
    for site in report.sites:
        finding = match(site, findings) if _grows(site) else None
        if finding is None:
            sites.append(site)
            continue
        sites.append(replace(site, finding=finding.code))
        explaining.append(_confirmed(finding) if site.verdict == "leak" else finding)
    unique = {finding.sort_key: finding for finding in reversed(explaining)}
    return replace(
        report, sites=sites, findings=sorted(unique.values(), key=lambda one: one.sort_key)
    )


def match(site: SiteVerdict, findings: Sequence[Finding]) -> Finding | None:
    """Find the finding at the innermost line of a site's stack that has one.

    The innermost frame wins, because what allocates there is what the finding says is acquired;
    frames further out only called it.
    """
    for frame in site.stack:
        path = os.path.realpath(frame.file)
        here = [
            finding
            for finding in findings
            if finding.line <= frame.line <= finding.end_line
            and os.path.realpath(finding.file) == path
        ]
        if here:
            return max(here, key=lambda one: (one.confidence, one.code))
    return None


def _analyzer() -> Callable[[Iterable[str]], list[Finding]]:
    # Imported when there is growth to explain: a clean run must not pay for the analyzer.
    from kimera_leakguard_native.analysis import engine

    return engine.findings_in


def _grows(site: SiteVerdict) -> bool:
    return site.growth_bytes_per_s > 0 and site.verdict != "bounded"


def _confirmed(finding: Finding) -> Finding:
    return replace(finding, detection_result=LeakDetectionResult.CONFIRMED_LEAK.value)


def _files_of(sites: Sequence[SiteVerdict]) -> list[str]:
    files: dict[str, None] = {}
    for site in sites:
        for frame in site.stack:
            if frame.file.endswith(".py") and os.path.isfile(frame.file):
                files.setdefault(os.path.realpath(frame.file))
            if len(files) == MAX_FILES:
                return list(files)
    return list(files)
