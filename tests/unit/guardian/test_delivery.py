"""Sinks get every alert and cannot hurt: slow, broken, endless, forked."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from kimera_leakguard_native.guardian import delivery as module
from kimera_leakguard_native.guardian.delivery import WAITING, Delivery
from kimera_leakguard_native.guardian.webhook import Webhook
from kimera_leakguard_native.model.guardian import MemoryAlert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian

NOON = datetime(2026, 1, 1, 12)  # noqa: DTZ001


def alert(number: int = 1) -> MemoryAlert:
    return MemoryAlert(f"process_{number}", "HIGH", "much", NOON, 5.0, 1.0, "process", ["look"])


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.001)


def test_alerts_arrive_in_order_and_the_thread_ends() -> None:
    got: list[str] = []
    delivery = Delivery(lambda each: got.append(each.alert_id))
    for number in range(50):
        delivery.put(alert(number))
    assert delivery.wait(60)
    assert got == [f"process_{number}" for number in range(50)]
    assert delivery.delivered == 50
    delivery.put(alert(50))
    assert delivery.wait(60)
    assert got[-1] == "process_50"


def test_a_sink_that_raises_is_tried_again_logged_once_and_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls: list[str] = []

    def broken(each: MemoryAlert) -> None:
        calls.append(each.alert_id)
        raise OSError("no route")

    delivery = Delivery(broken)
    with caplog.at_level(logging.WARNING):
        delivery.put(alert(1))
        delivery.put(alert(2))
        assert delivery.wait(60)
    assert calls == ["process_1"] * 3 + ["process_2"] * 3
    assert (delivery.delivered, delivery.failed) == (0, 2)
    assert len(caplog.records) == 1


def test_a_sink_that_hangs_delays_nobody_and_its_alerts_stay_bounded() -> None:
    hang, entered = threading.Event(), threading.Event()

    def stuck(each: MemoryAlert) -> None:
        entered.set()
        hang.wait()

    delivery = Delivery(stuck)
    delivery.put(alert())
    assert entered.wait(60)
    began = time.monotonic()
    for number in range(10 * WAITING):
        delivery.put(alert(number))
    delivery.stop()
    assert time.monotonic() - began < 5.0
    assert delivery.dropped == 10 * WAITING
    hang.set()


def test_a_stop_wakes_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 3600.0)
    failed = threading.Event()

    def broken(each: MemoryAlert) -> None:
        failed.set()
        raise OSError("no route")

    delivery = Delivery(broken)
    delivery.put(alert())
    assert failed.wait(60)
    thread = delivery._thread
    delivery.stop()
    if thread is not None:
        thread.join(60)
        assert not thread.is_alive()
    assert delivery.dropped == 1


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_the_child_of_a_fork_delivers_too() -> None:
    hang, entered = threading.Event(), threading.Event()
    parent = os.getpid()

    def sink(each: MemoryAlert) -> None:
        if os.getpid() == parent:
            entered.set()
            hang.wait()

    delivery = Delivery(sink)
    delivery.put(alert())
    assert entered.wait(60)
    child = os.fork()
    if child == 0:
        delivery.put(alert(2))
        os._exit(0 if delivery.wait(30) and delivery.delivered == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    hang.set()


class _Receiver(BaseHTTPRequestHandler):
    status = 200
    bodies: ClassVar[list[Any]] = []

    def do_GET(self) -> None:
        self.bodies.append((dict(self.headers), None))
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.bodies.append((dict(self.headers), json.loads(self.rfile.read(length))))
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[_Receiver]]]:
    kind = type("Receiver", (_Receiver,), {"bodies": []})
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", kind
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_gets_the_alert_as_json(receiver: tuple[str, type[_Receiver]]) -> None:
    url, kind = receiver
    delivery = Delivery(Webhook(url, {"Authorization": "Bearer x"}))
    delivery.put(alert())
    assert delivery.wait(60)
    headers, body = kind.bodies[0]
    assert headers["Authorization"] == "Bearer x"
    assert body["alert_id"] == "process_1"
    assert body["timestamp"].startswith("2026-01-01")
    assert body["recommendations"] == ["look"]


@pytest.mark.parametrize("url", ["ftp://x/", "x", ""])
def test_a_webhook_needs_a_url(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        Webhook(url)


def test_a_webhook_that_is_down_or_refuses_is_counted(
    receiver: tuple[str, type[_Receiver]],
) -> None:
    url, kind = receiver
    kind.status = 500
    refusing = Delivery(Webhook(url))
    refusing.put(alert())
    down = Delivery(Webhook("http://127.0.0.1:9/", timeout_s=1.0))
    down.put(alert())
    assert refusing.wait(60)
    assert down.wait(60)
    assert (refusing.failed, down.failed) == (1, 1)
    assert len(kind.bodies) == 3


def test_a_webhook_does_not_follow_to_somebody_else(
    receiver: tuple[str, type[_Receiver]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)
    url, kind = receiver
    kind.status = 302
    delivery = Delivery(Webhook(url, {"Authorization": "Bearer secret"}))
    delivery.put(alert())
    assert delivery.wait(60)
    assert (delivery.delivered, delivery.failed) == (0, 1)
    assert all(body is not None for _, body in kind.bodies)  # nobody has been asked by GET


def test_a_guardian_s_alerts_reach_its_sinks_once(guardian: KimeraMemoryLeakGuardian) -> None:
    got: list[MemoryAlert] = []
    delivery = guardian.alert_sinks.add(got.append)
    guardian.alert_thresholds["memory_usage_mb"] = 1.0
    guardian.check()
    guardian.check()
    assert delivery.wait(60)
    assert [each.component for each in got] == ["process"]
    guardian.alert_sinks.remove(got.append)
    guardian.alert_thresholds["allocation_count"] = -1
    guardian.check()
    assert delivery.wait(60)
    assert len(got) == 1
