"""The report of `klg run` for people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kimera_leakguard_native.reporters.sizes import human

if TYPE_CHECKING:
    from kimera_leakguard_native.model.finding import Finding
    from kimera_leakguard_native.model.site import RunReport, SiteVerdict

_SHOWN = 10
_FRAMES = 6
_WORTH_SHOWING = ("leak", "native", "undecided", "warm-up", "retention")

_HEADLINES = {
    "leak": "the program leaks",
    "native": "native memory grows, and no Python line keeps it",
    "undecided": "undecided",
    "warm-up": "no leak seen; something was still filling up",
    "bounded": "no leak seen",
    "retention": "no leak seen; freed memory stays with the allocator",
    "clean": "no leak seen",
}


def render(report: RunReport, *, observed: bool = True) -> str:
    """Give the lines to print, each ended by a newline."""
    if not observed:
        return "klg: the sampler did not run in the program; nothing was observed\n"
    process = report.process
    seen = (
        f"{report.duration_s:.1f} s, {human(report.allocated_bytes_estimate)} allocated,"
        f" {report.samples} samples, one every {human(report.sample_bytes_effective)};"
        f" resident {human(process['rss_start'])} -> {human(process['rss_end'])};"
        f" sampling took {100 * report.overhead['estimated_fraction']:.2f} % of the time"
    )
    if guard := _guard(report.overhead):
        seen += f"; {guard}"
    lines = [f"klg: {_HEADLINES[report.process_verdict]} ({report.process_verdict})", f"  {seen}"]
    shown = [site for site in report.sites if site.verdict in _WORTH_SHOWING][:_SHOWN]
    shown.sort(key=lambda site: _WORTH_SHOWING.index(site.verdict))
    if shown:
        lines += ["", f"  {'verdict':10} {'growth':>12} {'live':>10}  site"]
        lines += [_row(site) for site in shown]
    findings = {finding.code: finding for finding in report.findings}
    for site in shown:
        if site.verdict in {"leak", "native"}:
            lines += ["", *_details(site, findings)]
    lines += ["", f"  next: {_next(report)}"]
    return "\n".join(lines) + "\n"


def _guard(overhead: dict[str, float]) -> str:
    """Say what the guard changed, or give ''."""
    reasons = []
    if overhead.get("widened_for_cost"):
        reasons.append(f"to hold {100 * overhead['budget']:g} %")
    if overhead.get("widened_for_room"):
        reasons.append("to keep the samples within their table")
    if not reasons:
        return ""
    first, last = human(overhead["first_mean_bytes"]), human(overhead["mean_bytes"])
    return f"the mean went from {first} to {last} {' and '.join(reasons)}"


def _row(site: SiteVerdict) -> str:
    rate = f"{human(site.growth_bytes_per_s)}/s"
    return f"  {site.verdict:10} {rate:>12} {human(site.live_bytes):>10}  {_place(site)}"


def _details(site: SiteVerdict, findings: dict[str, Finding]) -> list[str]:
    lines = [f"  {site.verdict} at {_place(site)}, confidence {site.confidence:.2f}"]
    lines.append(f"    {site.evidence}")
    lines += [
        f"    {frame.file}:{frame.line} in {frame.function}" for frame in site.stack[:_FRAMES]
    ]
    if len(site.stack) > _FRAMES:
        lines.append(f"    ... {len(site.stack) - _FRAMES} more calls")
    finding = findings.get(site.finding or "")
    if finding is not None:
        lines.append(f"    {finding.code} {finding.message}")
        lines += [f"      {step.file}:{step.line}: {step.note}" for step in finding.path]
    return lines


def _next(report: RunReport) -> str:
    leaks = [site for site in report.sites if site.verdict == "leak" and site.file]
    if leaks:
        return f"klg check {_short(leaks[0].file or '')}"
    if report.process_verdict == "undecided":
        return "a longer run under the same load"
    if report.process_verdict == "native":
        return "look at the extensions and arrays that the program holds"
    return "nothing to do"


def _place(site: SiteVerdict) -> str:
    if site.file is None:
        return "(no Python line)"
    return f"{_short(site.file)}:{site.line} in {site.function}"


def _short(file: str) -> str:
    relative = os.path.relpath(file)
    return relative if len(relative) < len(file) else file
