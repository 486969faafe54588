from __future__ import annotations

import asyncio
import gzip
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from pprof_messages import decode, samples

import kimera_leakguard_native as klg
from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.exporters import http, pprof_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def held() -> Iterator[list[bytearray]]:
    klg.start(sample_bytes=4096, agent=False)
    try:
        yield [bytearray(50_000) for _ in range(200)]
    finally:
        klg.stop()


@pytest.fixture
def address() -> Iterator[str]:
    server, thread = http.serve({"/heap": pprof_endpoint.wsgi_app}, _nothing, 0, "127.0.0.1")
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _nothing(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return [b""]


def test_a_fetched_profile_names_the_line_that_holds(held: list[bytearray], address: str) -> None:
    with urllib.request.urlopen(f"{address}/heap", timeout=30) as answer:
        found = samples(decode(answer.read()))
    here = [values for stack, values in found.items() if stack[0][1] == __file__]
    truth = sum(map(len, held))
    assert sum(values[3] for values in here) == pytest.approx(truth, rel=0.2)
    assert all(values[1] >= values[3] for values in here)


def test_other_methods_and_other_paths(address: str) -> None:
    head = urllib.request.Request(f"{address}/heap", method="HEAD")
    with urllib.request.urlopen(head, timeout=30) as answer:
        assert int(answer.headers["Content-Length"]) > 0
        assert answer.read() == b""
    post = urllib.request.Request(f"{address}/heap", data=b"x")
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(post, timeout=30)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{address}/other", timeout=30)


def test_a_taken_port_is_said(address: str) -> None:
    port = int(address.rpartition(":")[2])
    with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port}.*another port"):
        http.serve({}, _nothing, port, "127.0.0.1")


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("PUT", 405)])
def test_asgi(method: str, status: int) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(pprof_endpoint.asgi_app({"type": "http", "method": method}, None, send))
    start, body = sent
    assert start["status"] == status
    if method == "GET":
        assert gzip.decompress(body["body"])
        assert (b"content-length", str(len(body["body"])).encode()) in start["headers"]
    else:
        assert body["body"] == b""
