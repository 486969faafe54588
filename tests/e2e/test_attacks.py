"""A real service, watched and under load, while everything around it misbehaves."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from kimera_leakguard_native.runtime.agent import client
from kimera_leakguard_native.runtime.agent.folder import socket_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE = """
import asyncio, gc, json, os, sys, threading
from datetime import datetime

import kimera_leakguard_native as klg
from kimera_leakguard_native.exporters.process_metrics import ProcessMetrics
from kimera_leakguard_native.exporters.prometheus import PrometheusExporter
from kimera_leakguard_native.guardian.webhook import Webhook
from kimera_leakguard_native.integration import integrator as module
from kimera_leakguard_native.integration.agent_sections import provide_sections
from kimera_leakguard_native.integration.demo.service import DemoService
from kimera_leakguard_native.integration.metrics import IntegrationMetrics
from kimera_leakguard_native.runtime.agent.server import agent

module.OPTIMIZATION_S = 0.5

class Raises:
    def get_memory_stats(self):
        raise RuntimeError("broken")

class Exits:
    def get_memory_stats(self):
        raise SystemExit(3)

class Blocks:
    def get_memory_stats(self):
        threading.Event().wait()

class Nonsense:
    def __init__(self, answer):
        self.answer = answer
    def get_memory_stats(self):
        return self.answer

class Unreadable:
    def __getattr__(self, name):
        raise ValueError(name)

class Leaks:
    used = 0
    def get_memory_stats(self):
        self.used += 1 << 31
        return {"used_bytes": self.used, "used_slots": 1}

class Stuck(Leaks):
    def optimize_memory_layout(self):
        threading.Event().wait()

async def main(urls):
    service = DemoService()
    await service.start()
    klg.start(sample_bytes=65536)
    guardian = klg.get_memory_leak_guardian()
    for url in urls:
        guardian.alert_sinks.add(Webhook(url, timeout_s=2.0))
    integrator = klg.KimeraLeakDetectionIntegrator(
        monitoring_interval=0.5, leak_guardian=guardian, patience_s=0.3)
    monitoring = klg.KimeraMonitoringWithLeakDetection(leak_check_interval=0.2)
    monitoring.leak_integrator = integrator
    bad = {
        "raises": Raises(), "exits": Exits(), "blocks": Blocks(), "unreadable": Unreadable(),
        "text": Nonsense({"used_bytes": "lots"}), "nan": Nonsense({"used_bytes": float("nan")}),
        "object": Nonsense({"used_bytes": 1, "used_slots": object()}), "no dict": Nonsense(7),
        "stuck": Stuck(), '</script><script>alert(1)</script>': Leaks(), "pool": service.pool,
    }
    for name, component in bad.items():
        integrator.register_component(name, component)
    integrator.register_component("collected", Nonsense({"used_bytes": 1}))
    gc.collect()
    leaks = [Leaks() for _ in range(1000)]
    for number, component in enumerate(leaks):
        integrator.register_component(f"leak_{number}", component)
    provide_sections(agent(), integrator)
    exporter = PrometheusExporter([ProcessMetrics(), IntegrationMetrics(integrator)])
    server, _ = exporter.serve(0)
    refused = ""
    try:
        exporter.serve(server.server_port)
    except klg.ConfigError as error:
        refused = str(error)
    await monitoring.start_monitoring()
    print(json.dumps({"port": service.port, "metrics": server.server_port, "refused": refused}),
          flush=True)
    while len(monitoring.alerts) < 1000:
        await asyncio.sleep(0.05)
    now = datetime.now()
    for number in range(1000):
        guardian.alert_sinks.put(klg.MemoryAlert(
            f"flood_{number}", "HIGH", "much", now, 1.0, 1.0, "process", []))
    print(json.dumps({"alerts": len(monitoring.alerts)}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await monitoring.stop_monitoring()
    print(json.dumps({"served": service.requests}), flush=True)
    os._exit(0)  # threads of components that block are still there

asyncio.run(main(sys.argv[1:]))
"""


class Hooks:
    """Receivers of alerts: one that takes them, one that never answers, one that is down."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.over = threading.Event()
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/slow":
                    hooks.over.wait(60)
                    return
                hooks.got.append(json.loads(body)["alert_id"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            down = unused.getsockname()[1]
        base = f"http://127.0.0.1:{self.server.server_port}"
        self.urls = [f"{base}/alerts", f"{base}/slow", f"http://127.0.0.1:{down}/"]

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    made = Hooks()
    yield made
    made.close()


class Service:
    """The service as a process, and what it says."""

    def __init__(self, script: Path, hooks: Hooks) -> None:
        script.write_text(SERVICE)
        self.log = script.with_name("log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", str(script), *hooks.urls],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self.said = self.next_line()

    def next_line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.log.read_text()[-4000:])
        said: dict[str, Any] = json.loads(line)
        return said

    @property
    def threads(self) -> int:
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(next(line for line in status if line.startswith("Threads:")).split()[1])

    def scrape(self) -> str:
        url = f"http://127.0.0.1:{self.said['metrics']}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            text: str = answer.read().decode()
        return text


@pytest.fixture
def service(tmp_path: Path, hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("KLG_AGENT_DIR", str(tmp_path / "sockets"))
    made = Service(tmp_path / "service.py", hooks)
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.communicate()


def load(port: int, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kimera_leakguard_native.integration.demo.load",
         str(port), str(seconds), "100"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def connect(port: int, first: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(first)
    return connection


def flood_http(port: int, seconds: float) -> int:
    """Ask for metrics and profiles from several threads at once; give the answers that came."""
    end = time.monotonic() + seconds
    answers: list[int] = []

    def ask(path: str) -> None:
        while time.monotonic() < end:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
                answer.read()
                answers.append(answer.status)

    threads = [
        threading.Thread(target=ask, args=(path,)) for path in ("/metrics", "/debug/pprof/heap") * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers.count(200)


def flood_agent(pid: int, seconds: float) -> int:
    """Send garbage, silence and questions to the agent; give the answers that came."""
    answers = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for garbage in (b"", b"\xff" * 64, b"\x00\x00\x00\x02{]", os.urandom(512)):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(10)
                connection.connect(str(socket_path(pid)))
                connection.sendall(garbage)
        answers += "process" in client.ask(pid, ["process", "pools"], timeout_s=60)
    return answers


def test_the_service_serves_while_everything_around_it_misbehaves(
    service: Service, hooks: Hooks
) -> None:
    said, pid = service.said, service.process.pid
    assert f":{said['metrics']}" in said["refused"]
    assert "name another port" in said["refused"]
    running = load(said["port"], 12.0)
    before = service.threads
    metrics = said["metrics"]
    half = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
    with contextlib.ExitStack() as idle:
        for number in range(150):
            idle.enter_context(connect(metrics, half if number % 2 else b""))
        time.sleep(0.5)
        assert service.threads < before + 50, "who sends nothing gets no thread without end"
    assert service.next_line()["alerts"] >= 1000
    assert flood_http(metrics, 3.0) > 20
    text = service.scrape()
    assert "klg_component" in text
    assert "\n</script>" not in text
    assert flood_agent(pid, 3.0) > 3

    answer = client.ask(pid, timeout_s=60)
    health = {each["name"]: each["performance_impact"] for each in answer["components"]}
    assert len(health) == 200  # those at the highest risk
    pools = {each["name"]: each for each in answer["pools"]}
    assert pools["pool"]["total_slots"] == 1000
    assert not {"raises", "exits", "blocks", "object", "no dict", "collected"} & set(pools)

    output, _ = running.communicate(timeout=120)
    counts = json.loads(output)
    assert counts["failed"] == 0
    assert counts["sent"] > 200
    deadline = time.monotonic() + 60
    while len(hooks.got) < 100 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(set(hooks.got)) >= 100, "one receiver is slow and one is down; this one has them all"
    assert service.process.stdin is not None
    service.process.stdin.write("\n")
    service.process.stdin.flush()
    assert service.next_line()["served"] >= counts["ok"]
    assert service.process.wait(60) == 0
    lines = service.log.read_text().splitlines()
    assert len(lines) < 200, "a thousand alerts are no thousand lines"
