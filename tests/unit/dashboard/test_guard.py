from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kimera_leakguard_native.dashboard.guard import Guard
from kimera_leakguard_native.model.addresses import is_loopback

TOKEN = "0123456789abcdef0123"


async def _page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"secret"})


def ask(
    token: str | None = None,
    *,
    method: str = "GET",
    query: str = "",
    host: str = "127.0.0.1:8765",
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    sending = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sending.items()],
    }
    asyncio.run(Guard(_page, token)(scope, None, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, sent[1]["body"]


def test_this_machine_is_served_with_a_strict_policy() -> None:
    status, headers, body = ask()
    assert (status, body) == (200, b"secret")
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8765", "[::1]:8765", "127.1.2.3"])
def test_loopback_names_are_served(host: str) -> None:
    assert ask(host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "10.0.0.7:8765", ""])
def test_other_names_are_not(host: str) -> None:
    status, _, body = ask(host=host)
    assert status == 421
    assert b"secret" not in body


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_pages_of_another_origin_are_refused(headers: dict[str, str]) -> None:
    status, found, body = ask(**headers)  # type: ignore[arg-type]
    assert status == 403
    assert b"secret" not in body
    assert "access-control-allow-origin" not in found


@pytest.mark.parametrize("headers", [{"host": "["}, {"origin": "http://["}])
def test_what_no_browser_sends_is_refused_and_not_an_error(headers: dict[str, str]) -> None:
    status, _, body = ask(**headers)  # type: ignore[arg-type]
    assert status == 400
    assert b"secret" not in body


@pytest.mark.parametrize("cookie", ["klg_token", "klg_token=", "a[=1", "a\x01=1", "=", "\xff=\xff"])
def test_a_cookie_that_is_none_carries_no_token(cookie: str) -> None:
    status, _, body = ask(TOKEN, cookie=cookie)
    assert status in (400, 401)
    assert b"secret" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(method: str) -> None:
    assert ask(method=method)[0] == 405


def test_with_a_token_everybody_needs_it() -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "klg_token=wrong"}):
        status, _, body = ask(TOKEN, host="host.example", **headers)
        assert status == 401
        assert b"secret" not in body
    assert ask(TOKEN, query="token=wrong")[0] == 401


def test_the_token_is_taken_from_header_and_cookie() -> None:
    assert ask(TOKEN, host="host.example", authorization=f"Bearer {TOKEN}")[0] == 200
    assert ask(TOKEN, host="host.example", cookie=f"a=b; klg_token={TOKEN}")[0] == 200


def test_the_address_with_the_token_becomes_a_cookie() -> None:
    status, headers, body = ask(TOKEN, query=f"token={TOKEN}")
    assert (status, headers["location"], body) == (303, "/", b"")
    assert "HttpOnly; SameSite=Strict" in headers["set-cookie"]


@pytest.mark.parametrize(
    ("host", "answer"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("x.y", False)],
)
def test_loopback_is_known(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer
