from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from kimera_leakguard_native.dashboard.app import MOST_STREAMS, make_app
from kimera_leakguard_native.dashboard.poller import Poller


def test_clients_that_are_gone_before_their_stream_begins_hold_none() -> None:
    async def run() -> list[int]:
        app = make_app(Poller(listed=list))
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0.05)
            return {"type": "http.disconnect"}

        async def gone(_message: Any) -> None:
            raise OSError("the client has gone")

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        for _ in range(2 * MOST_STREAMS):
            with contextlib.suppress(Exception):
                await app(_events(), receive, gone)
        await app(_events(), receive, send)
        return statuses

    assert asyncio.run(run()) == [200]


def _events() -> dict[str, Any]:
    return {
        "type": "http",
        "method": "GET",
        "path": "/events",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "asgi": {"spec_version": "2.3"},
    }
