"""``/debug/pprof/heap`` of this process, to be mounted in any WSGI or ASGI application.

It shows names of files and functions to whoever can reach it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.exporters import pprof
from kimera_leakguard_native.runtime import sampler
from kimera_leakguard_native.runtime.agent.sections import own_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_DISPOSITION = 'attachment; filename="heap.pb.gz"'


def heap() -> bytes:
    """Give the heap profile of this process as pprof has it; empty before `klg.start`."""
    return pprof.encode(sampler.heap_profile(), time.time(), own_name())


def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer GET and HEAD."""
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
        start_response("405 Method Not Allowed", [("Allow", "GET, HEAD")])
        return [b""]
    body = heap()
    start_response(
        "200 OK",
        [
            ("Content-Type", pprof.CONTENT_TYPE),
            ("Content-Disposition", _DISPOSITION),
            ("Content-Length", str(len(body))),
        ],
    )
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - the protocol's
    """Answer GET and HEAD; the profile is made on a thread."""
    if scope["type"] != "http":
        return
    status, body, headers = 405, b"", [(b"allow", b"GET, HEAD")]
    if scope["method"] in {"GET", "HEAD"}:
        status, body = 200, await asyncio.to_thread(heap)
        headers = [
            (b"content-type", pprof.CONTENT_TYPE.encode()),
            (b"content-disposition", _DISPOSITION.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": body})
