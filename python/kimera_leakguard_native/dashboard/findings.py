"""Static findings that explain growing sites, looked for once a set of sites."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.model.site import RunReport, SiteVerdict

if TYPE_CHECKING:
    from kimera_leakguard_native.dashboard.source import SourceRoots

_GROWING = frozenset({"leak", "undecided", "warm-up"})
_MOST = 20


class FindingsOfSites:
    """Has `hybrid.correlate` look at the growing sites of a process whenever these are others.

    Parameters
    ----------
    roots : SourceRoots
        Only files inside are read.
    """

    def __init__(self, roots: SourceRoots) -> None:
        self._roots = roots
        self._seen: dict[int, frozenset[tuple[str, int]]] = {}
        self._found: dict[int, list[dict[str, Any]]] = {}
        self._codes: dict[int, dict[tuple[str, int], str]] = {}

    def of(self, pid: int) -> list[dict[str, Any]]:
        """Give the findings of a process."""
        return self._found.get(pid, [])

    def forget(self, pid: int) -> None:
        """Forget a process."""
        for known in (self._seen, self._found, self._codes):
            known.pop(pid, None)

    async def look(self, pid: int, answer: dict[str, Any]) -> None:
        """Take a new answer of a process in, and mark its sites that a finding explains."""
        rows = answer.get("sites", {}).get("sites", [])
        growing = [
            row
            for row in rows
            if row["verdict"] in _GROWING and row["file"] and self._roots.allowed(row["file"])
        ][:_MOST]
        places = frozenset((row["file"], row["line"]) for row in growing)
        if places != self._seen.get(pid, frozenset()):
            self._seen[pid] = places
            sites = [_site(row) for row in growing]
            report = await asyncio.to_thread(_explain, sites)
            self._found[pid] = [asdict(each) for each in report.findings]
            self._codes[pid] = {
                (site.file, site.line): site.finding
                for site in report.sites
                if site.finding and site.file
            }
        codes = self._codes.get(pid, {})
        for row in rows:
            row["finding"] = codes.get((row["file"], row["line"]), row.get("finding"))


def _site(row: dict[str, Any]) -> SiteVerdict:
    return SiteVerdict(
        row["file"],
        row["line"],
        row["function"],
        row["live_bytes"],
        row["growth_bytes_per_s"],
        row["verdict"],
        row["confidence"],
        tuple(Frame(**frame) for frame in row["stack"]),
    )


def _explain(sites: list[SiteVerdict]) -> RunReport:
    from kimera_leakguard_native.hybrid import correlate

    report = RunReport(0.0, 0, 0.0, 0.0, {}, {}, sites=sites)
    return correlate.explain(report)
