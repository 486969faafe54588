from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kimera_leakguard_native.exporters.families import gauge
from kimera_leakguard_native.exporters.process_metrics import ProcessMetrics
from kimera_leakguard_native.exporters.prometheus import PrometheusExporter
from kimera_leakguard_native.model.site import SiteVerdict
from kimera_leakguard_native.runtime.site_watch import SiteWatch
from kimera_leakguard_native.runtime.snapshot import Snapshot

if TYPE_CHECKING:
    from pathlib import Path


def watched(count: int) -> SiteWatch:
    watch = SiteWatch()
    watch.snapshot = Snapshot(9.0, 4096.0, 10, 5e6, 1e3, 2e6, ())
    watch.sites = tuple(
        SiteVerdict(f"app/{i}.py", i, "f", 1000 + i, float(i), "leak" if i < 3 else "bounded", 0.9)
        for i in range(count)
    )
    return watch


def scrape(exporter: PrometheusExporter) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text, kind = exporter.render()
    assert kind.startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_the_figures_of_a_process_come_out_as_they_are() -> None:
    found = scrape(PrometheusExporter([ProcessMetrics(watched(5))]))
    assert found["klg_allocated_bytes_total", ()] == 5e6
    assert found["klg_live_bytes", ()] == 2e6
    assert found["klg_sites", (("verdict", "leak"),)] == 3.0
    assert found["klg_sites", (("verdict", "native"),)] == 0.0
    site = (("site", "app/2.py:2"), ("verdict", "leak"))
    assert found["klg_site_live_bytes", site] == 1002.0
    assert found["klg_resident_bytes", ()] > 1e6
    assert found["klg_headroom_bytes", ()] > 1e6


def test_names_follow_the_conventions() -> None:
    text, _ = PrometheusExporter([ProcessMetrics(watched(5))]).render()
    families = list(text_string_to_metric_families(text.decode()))
    assert len(families) > 10
    for family in families:
        assert re.fullmatch(r"klg_[a-z_]+", family.name), family.name
        assert family.documentation.endswith(".")
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples)


def test_ten_thousand_sites_are_twenty_series_and_a_quick_scrape() -> None:
    many, few = (
        PrometheusExporter([ProcessMetrics(watched(10_000))]),
        PrometheusExporter([ProcessMetrics(watched(20))]),
    )
    sites = [key for key in scrape(many) if key[0] == "klg_site_live_bytes"]
    assert len(sites) == 20
    times = []
    for exporter in (few, many):
        start = time.process_time()
        for _ in range(20):
            exporter.render()
        times.append(time.process_time() - start)
    assert times[1] < 5 * times[0]


def test_without_a_sampler_there_are_no_sampled_figures() -> None:
    found = scrape(PrometheusExporter([ProcessMetrics(SiteWatch())]))
    assert ("klg_resident_bytes", ()) in found
    assert ("klg_live_bytes", ()) not in found


def test_hostile_names_are_escaped() -> None:
    watch = watched(0)
    name = 'a"b\\c\nd{}.py'
    watch.sites = (SiteVerdict(name, 1, "f", 10, 1.0, "leak", 0.9),)
    found = scrape(PrometheusExporter([ProcessMetrics(watch)]))
    assert ("klg_site_live_bytes", (("site", f"{name}:1"), ("verdict", "leak"))) in found


def test_a_source_that_raises_is_left_out_and_logged_once(caplog: Any) -> None:
    def broken() -> Any:
        raise RuntimeError("no figures")

    exporter = PrometheusExporter([broken, lambda: [gauge("fine", "Fine.", 1.0)]])
    for _ in range(3):
        assert scrape(exporter)["klg_fine", ()] == 1.0
    assert len(caplog.records) == 1


def test_processes_add_up(tmp_path: Path) -> None:
    # The client library reads the folder's name when it is imported: processes of their own.
    import os
    import subprocess
    import sys

    program = """
import os, sys, time
from kimera_leakguard_native.exporters.families import Family, counter, gauge
from kimera_leakguard_native.exporters.prometheus import PrometheusExporter
counts = {"n": 0.0}
def source():
    counts["n"] += 5.0
    yield gauge("held_bytes", "Held.", 100.0)
    yield counter("done", "Done.", counts["n"])
    yield Family("klg_site_live_bytes", "gauge", "Sites.", ("site",), [(("a.py:1",), 1.0)])
exporter = PrometheusExporter([source], interval=3600)
exporter.close()
exporter.publish()
if len(sys.argv) > 1:
    sys.stdout.write(exporter.render()[0].decode())
else:
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    sys.stdin.readline()
"""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        scraped = subprocess.run(
            [sys.executable, "-c", program, "scrape"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        worker.communicate("\n", timeout=60)
    assert "klg_held_bytes 200.0" in scraped
    total = re.search(r"^klg_done_total ([\d.]+)", scraped, re.MULTILINE)
    assert total is not None
    assert float(total.group(1)) >= 20.0
    assert "site" not in scraped


def test_the_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from kimera_leakguard_native.errors import ConfigError

    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigError, match=r"kimera-leakguard-native\[metrics\]"):
        PrometheusExporter([])
