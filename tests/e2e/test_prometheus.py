"""A real Prometheus server scrapes a process with a leaking component, and our rules fire."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = resources.files("kimera_leakguard_native.exporters") / "alert_rules.yaml"

SERVICE = """
import sys, time
import kimera_leakguard_native as klg
from kimera_leakguard_native.exporters.process_metrics import ProcessMetrics
from kimera_leakguard_native.exporters.prometheus import PrometheusExporter
from kimera_leakguard_native.integration.metrics import IntegrationMetrics

class Leaky:
    used = 0
    def get_memory_stats(self):
        return {"used_bytes": self.used, "used_slots": self.used >> 20}

leaky, steady = Leaky(), Leaky()
integrator = klg.KimeraLeakDetectionIntegrator(enable_auto_optimization=False)
integrator.register_component("leaky", leaky)
integrator.register_component("steady", steady)
PrometheusExporter([ProcessMetrics(), IntegrationMetrics(integrator)]).serve(int(sys.argv[1]))
for _ in range(600):
    leaky.used += 8 << 30
    integrator.check_components()
    time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    return found


def test_the_rules_do_what_they_say(promtool: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES.read_text())
    subprocess.run([promtool, "check", "rules", rules], check=True, capture_output=True)
    cases = tmp_path / "cases.yaml"
    text = Path(__file__).with_name("alert_rules_test.yaml").read_text()
    cases.write_text(text.replace("RULES", str(rules)))
    done = subprocess.run(
        [promtool, "test", "rules", cases], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # A known positive: the same cases do not pass with another threshold.
    rules.write_text(RULES.read_text().replace("> 0.8", "> 0.7"))
    done = subprocess.run([promtool, "test", "rules", cases], capture_output=True, check=False)
    assert done.returncode != 0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def service() -> Iterator[int]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", SERVICE, str(port)]) as process:
        yield port
        process.terminate()


@pytest.fixture
def server(service: int, promtool: str, tmp_path: Path) -> Iterator[int]:
    port = free_port()
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES.read_text())
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [
            {"job_name": "klg", "static_configs": [{"targets": [f"127.0.0.1:{service}"]}]}
        ],
    }
    path = tmp_path / "prometheus.yaml"
    path.write_text(json.dumps(config))
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [
                shutil.which("prometheus") or "prometheus",
                f"--config.file={path}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        ) as process,
    ):
        yield port
        process.terminate()


def ask(port: int, path: str) -> Any:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=5) as answer:
            return json.load(answer)["data"]
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def test_an_alert_fires_for_the_leaking_component_only(server: int) -> None:
    firing: list[Any] = []
    deadline = time.monotonic() + 90
    while not firing and time.monotonic() < deadline:
        alerts = (ask(server, "alerts") or {"alerts": []})["alerts"]
        firing = [each for each in alerts if each["state"] == "firing"]
        time.sleep(0.5)
    assert {(each["labels"]["alertname"], each["labels"]["component"]) for each in firing} == {
        ("KlgComponentAtRisk", "leaky")
    }
    found = ask(server, "query?query=klg_resident_bytes")["result"]
    assert float(found[0]["value"][1]) > 1e6
