"""Who may ask the dashboard, and what a browser may do with its answers."""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from kimera_leakguard_native.model.addresses import host_name, is_loopback

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_COOKIE = "klg_token"


class Guard:
    """ASGI middleware.

    Without a token only requests to a loopback name are served, so that no page of somebody else's
    can reach the dashboard through a name of its own. With one, every request must carry it: as
    ``Authorization: Bearer``, as a cookie, or once as ``?token=``, which is answered by the cookie
    and a redirect. Requests from pages of another origin are refused, and so is whatever is no
    GET or HEAD.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], token: str | None = None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve or refuse one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            status, extra = self._judge(scope, headers)
        except (ValueError, CookieError):  # from whoever parses what somebody made up
            status, extra = 400, []
        if status == 200:
            await self._app(scope, receive, with_headers)
            return
        body = _REASONS[status]
        await with_headers(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"text/plain; charset=utf-8"), *extra],
            }
        )
        await with_headers({"type": "http.response.body", "body": body})

    def _judge(
        self, scope: Any, headers: dict[bytes, str]
    ) -> tuple[int, list[tuple[bytes, bytes]]]:
        if scope["method"] not in ("GET", "HEAD"):
            return 405, []
        host = headers.get(b"host", "")
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, []
        if headers.get(b"sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, []
        if self._token is None:
            return (200, []) if is_loopback(host_name(host)) else (421, [])
        if self._carries_token(headers):
            return 200, []
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if self._is_token(given):
            cookie = f"{_COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            return 303, [(b"location", b"/"), (b"set-cookie", cookie.encode())]
        return 401, []

    def _carries_token(self, headers: dict[bytes, str]) -> bool:
        kind, _, value = headers.get(b"authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(value.strip()):
            return True
        cookie = SimpleCookie(headers.get(b"cookie", "")).get(_COOKIE)
        return cookie is not None and self._is_token(cookie.value)

    def _is_token(self, given: str) -> bool:
        return self._token is not None and secrets.compare_digest(
            given.encode("utf-8", "replace"), self._token.encode()
        )


_REASONS = {
    303: b"",
    400: b"This is no request that a browser makes.\n",
    401: b"A token is needed: open the address that klg dashboard has printed.\n",
    403: b"Pages of another origin may not ask this dashboard.\n",
    405: b"This dashboard only answers GET.\n",
    421: b"This dashboard is served to this machine only: use 127.0.0.1 or localhost.\n",
}
