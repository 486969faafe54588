"""What operators wait for: the integration report, and a scrape of the metrics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.bench.harness import Measurement, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kimera_leakguard_native.bench.harness import Options

_COMPONENTS = 1000
_SITES = 10_000


class _Component:
    """Uses as many bytes as it is told, and more each time that it is asked."""

    def __init__(self, used: int, more: int = 0) -> None:
        self._used = used
        self._more = more

    def get_memory_stats(self) -> dict[str, Any]:
        self._used += self._more
        return {"used_bytes": self._used, "used_slots": 1}


def run(options: Options) -> Iterator[Result]:
    """Time a report over 1,000 components, passes over them, and a scrape of 10,000 sites."""
    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian
    from kimera_leakguard_native.integration.integrator import KimeraLeakDetectionIntegrator

    integrator = KimeraLeakDetectionIntegrator(leak_guardian=KimeraMemoryLeakGuardian())
    components = [_Component((number + 1) << 20) for number in range(_COMPONENTS)]
    for number, component in enumerate(components):
        integrator.register_component(f"component_{number}", component)
    passing = _timed(integrator.check_components, options.rounds(15))
    health = integrator.generate_integration_report()["component_health"]
    right = all(
        health[f"component_{number}"]["memory_usage_mb"] == number + 1
        for number in range(_COMPONENTS)
    )
    _require(right and len(health) == _COMPONENTS, "the report is not that of the components")
    reporting = _timed(integrator.generate_integration_report, options.rounds(60))
    components = [_Component(number, 1 << 20) for number in range(_COMPONENTS)]
    for number, component in enumerate(components):
        integrator.register_component(f"component_{number}", component)
    growing = _timed(integrator.check_components, options.rounds(15))
    at_risk = sum(each.leak_risk_score > 0 for each in integrator.component_health.values())
    _require(at_risk == _COMPONENTS, "not all that grow are at risk")
    for case, times in (("report", reporting), ("pass/steady", passing), ("pass/growing", growing)):
        yield Result(
            "integration",
            f"{case}/components={_COMPONENTS}",
            "CPU ms",
            "lower",
            Measurement.of(times),
            checked=True,
        )
    yield _scrape(options)


def _scrape(options: Options) -> Result:
    from kimera_leakguard_native.exporters.process_metrics import ProcessMetrics
    from kimera_leakguard_native.exporters.prometheus import PrometheusExporter
    from kimera_leakguard_native.model.site import SiteVerdict
    from kimera_leakguard_native.runtime.site_watch import SiteWatch
    from kimera_leakguard_native.runtime.snapshot import Snapshot

    watch = SiteWatch()
    watch.snapshot = Snapshot(60.0, 4096.0, _SITES, 1e9, 1e6, 1e8, ())
    watch.sites = tuple(
        SiteVerdict(f"app/{n}.py", n, "f", 1000, 1.0, "leak" if n < 7 else "bounded", 0.9)
        for n in range(_SITES)
    )
    exporter = PrometheusExporter([ProcessMetrics(watch)])
    text = exporter.render()[0]
    _require(b'klg_sites{verdict="leak"} 7.0' in text, "the scrape lacks the leaking sites")
    times = _timed(exporter.render, options.rounds(60))
    return Result(
        "integration",
        f"scrape/sites={_SITES}",
        "CPU ms",
        "lower",
        Measurement.of(times),
        checked=True,
        hits=7,
    )


def _timed(call: Callable[[], object], rounds: int) -> list[float]:
    call()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(1e3 * (time.process_time() - start))
    return times


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)
