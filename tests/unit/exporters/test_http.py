from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from kimera_leakguard_native.exporters import http as module

if TYPE_CHECKING:
    from collections.abc import Iterator


def _page(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"secret"]


@pytest.fixture
def port() -> Iterator[int]:
    server, thread = module.serve({}, _page, 0, "127.0.0.1")
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def ask(port: int, path: str = "/metrics", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert answer.getheader("Access-Control-Allow-Origin") is None
        return answer.status, answer.read()


def test_who_asks_this_machine_by_its_name_is_served(port: int) -> None:
    assert ask(port) == (200, b"secret")
    assert ask(port, Host="localhost") == (200, b"secret")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "["},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_pages_of_somebody_else_are_not(port: int, headers: dict[str, str]) -> None:
    status, body = ask(port, **headers)
    assert status == 403
    assert b"secret" not in body


def test_slow_clients_are_few_threads_and_keep_nobody_out(port: int) -> None:
    before = threading.active_count()
    with contextlib.ExitStack() as slow:
        for number in range(5 * module.MOST_CLIENTS):
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
            slow.enter_context(connection)
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n" if number % 2 else b"")
            if number % 20 == 0:
                assert ask(port)[0] == 200
        assert ask(port)[0] == 200
        assert threading.active_count() - before < 2 * module.MOST_CLIENTS


def test_a_client_that_goes_away_is_no_noise(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    for part in (b"", b"GET", b"GET / HTTP/1.1\r\n", b"\xff\xfe\r\n\r\n", b"GET / HTTP/9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(part)
    assert ask(port)[0] == 200
    assert capfd.readouterr().err == ""
