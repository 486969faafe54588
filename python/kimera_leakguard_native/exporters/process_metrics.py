"""Metrics of one process: its memory, what the sampler sees of it, and the guardian's counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kimera_leakguard_native._version import __version__
from kimera_leakguard_native.exporters.families import PREFIX, Family, counter, gauge
from kimera_leakguard_native.guardian.shared import get_memory_leak_guardian
from kimera_leakguard_native.model.site import VERDICTS
from kimera_leakguard_native.runtime import process
from kimera_leakguard_native.runtime.forecast.limits import headroom_bytes
from kimera_leakguard_native.runtime.site_watch import SiteWatch, shared_site_watch

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_SITES = 20
"""Sites that have series of their own: those that grow the fastest."""

_SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")


class ProcessMetrics:
    """A source of families.

    Parameters
    ----------
    watch : SiteWatch, optional
        That of the process by default.
    most_sites : int
        Bound on the labelled sites.
    """

    def __init__(self, watch: SiteWatch | None = None, most_sites: int = MOST_SITES) -> None:
        if watch is None:
            watch = shared_site_watch()
            watch.start()
        self._watch = watch
        self._most = most_sites

    def __call__(self) -> Iterator[Family]:
        """Give the families as they are now."""
        yield Family(
            f"{PREFIX}build", "info", "What is running.", ("version",), [((__version__,), 1.0)]
        )
        yield gauge("resident_bytes", "Resident set size of the process.", process.resident_bytes())
        yield gauge(
            "headroom_bytes",
            "Bytes that the process may still take of its memory cgroup or the machine.",
            headroom_bytes(),
        )
        yield from self._sampled()
        yield from _guarded()

    def _sampled(self) -> Iterator[Family]:
        snapshot, sites = self._watch.snapshot, self._watch.sites
        if snapshot is None or not snapshot.mean_bytes:
            return
        yield counter(
            "allocated_bytes", "Estimate of all bytes allocated.", snapshot.allocated_bytes
        )
        yield gauge("live_bytes", "Estimate of the bytes that are alive.", snapshot.live_bytes)
        yield gauge("sample_mean_bytes", "Mean distance of two samples.", snapshot.mean_bytes)
        counts = Counter(site.verdict for site in sites)
        yield Family(
            f"{PREFIX}sites",
            "gauge",
            "Allocation sites by verdict.",
            ("verdict",),
            [((name,), float(counts[name])) for name in VERDICTS],
        )
        shown = sites[: self._most]
        labels = [(f"{s.file}:{s.line}" if s.file else "native", s.verdict) for s in shown]
        yield Family(
            f"{PREFIX}site_live_bytes",
            "gauge",
            f"Live bytes of the {self._most} sites that grow the fastest.",
            ("site", "verdict"),
            [(each, float(s.live_bytes)) for each, s in zip(labels, shown, strict=True)],
        )
        yield Family(
            f"{PREFIX}site_growth_bytes_per_second",
            "gauge",
            f"Growth of the {self._most} sites that grow the fastest.",
            ("site", "verdict"),
            [(each, s.growth_bytes_per_s) for each, s in zip(labels, shown, strict=True)],
        )


def _guarded() -> Iterator[Family]:
    guardian = get_memory_leak_guardian()
    yield gauge("active_allocations", "Open scopes and unreleased records.", guardian.active_count)
    yield counter("tracked_allocations", "Scopes and records, ever.", guardian.total_allocations)
    totals = guardian.registry.totals()
    yield gauge("recorded_bytes", "Bytes of the unreleased records.", totals.live_bytes)
    yield counter("dropped_records", "Records over the registry's cap.", totals.dropped_records)
    alerts = Counter(alert.severity for alert in guardian.memory_alerts)
    yield Family(
        f"{PREFIX}recent_alerts",
        "gauge",
        "Alerts among the last hundred, by severity.",
        ("severity",),
        [((name,), float(alerts[name])) for name in _SEVERITIES],
    )
    yield counter(
        "monitor_failures", "Checks of the monitor that raised.", guardian.monitor_failures
    )
