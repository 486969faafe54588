"""An HTTP service under load, as a workload: Starlette and uvicorn, real sockets and clients."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

CONNECTIONS = 4
REQUESTS = 40
"""In one slice; a multiple of the connections."""

_LOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "http_load.py")


class HttpService:
    """Serves on the thread that calls `serve`, and only while it does."""

    def __init__(self) -> None:
        import uvicorn

        self._loop = asyncio.new_event_loop()
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            _application(),
            log_level="error",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=3600,  # the time between two slices is nobody's idleness
        )
        self._server = uvicorn.Server(config)
        self._serving = self._loop.create_task(self._server.serve([listening]))
        self._client = self._loop.run_until_complete(
            asyncio.create_subprocess_exec(
                sys.executable,
                _LOAD,
                str(listening.getsockname()[1]),
                str(CONNECTIONS),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        )

    def serve(self) -> int:
        """Answer one slice of orders and give the sum that the client received."""
        return self._loop.run_until_complete(self._answer())

    async def _answer(self) -> int:
        if self._client.stdin is None or self._client.stdout is None:
            raise ValueError("the client has no pipes")
        self._client.stdin.write(f"{REQUESTS}\n".encode())
        return int(await self._client.stdout.readline())


def _application() -> Starlette:
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def place(request: Request) -> Response:
        order: dict[str, Any] = await request.json()
        lines = [
            {"sku": item["sku"].upper(), "cents": item["count"] * item["cents"]}
            for item in order["items"]
        ]
        answer = {
            "order": f"{order['customer']['zone']}-{order['id']:08d}",
            "lines": lines,
            "total": sum(line["cents"] for line in lines),
        }
        return JSONResponse(answer, headers={"x-zone": str(order["customer"]["zone"])})

    return Starlette(routes=[Route("/orders", place, methods=["POST"])])
