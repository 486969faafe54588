"""The report of a run as one HTML file that needs nothing else."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.reporters.page import page

if TYPE_CHECKING:
    from kimera_leakguard_native.model.site import RunReport


def render(report: RunReport, name: str) -> str:
    """Give the page.

    Parameters
    ----------
    name : str
        What the run is called, for the title.

    Raises
    ------
    ConfigError
        plotly is not installed.
    """
    return page.recorded({"version": 1, "processes": [_shown(report, name)]})


def _shown(report: RunReport, name: str) -> dict[str, Any]:
    live: dict[str, float] = {}
    for site in report.sites:
        live[site.verdict] = live.get(site.verdict, 0.0) + site.live_bytes
    began = report.ended - report.duration_s
    last = len(report.timeline) - 1
    return {
        "pid": 0,
        "name": name,
        "alive": False,
        "verdict": report.process_verdict,
        "resident_bytes": report.process.get("rss_end", 0),
        "headroom_bytes": 0,
        "sites": {
            "seconds": report.duration_s,
            "samples": report.samples,
            "sites": [site.to_dict() for site in report.sites],
        },
        # What lived by verdict is known of the end only.
        "history": [
            {
                "time": began + seconds,
                "resident_bytes": size,
                "live": live if number == last else {},
            }
            for number, (seconds, size) in enumerate(report.timeline)
        ],
        "findings": [asdict(finding) for finding in report.findings],
    }
