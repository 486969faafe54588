"""The dashboard as an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.dashboard.guard import Guard
from kimera_leakguard_native.dashboard.source import SourceRoots
from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.reporters.page import assets, page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kimera_leakguard_native.dashboard.poller import Poller

MOST_STREAMS = 32
"""Browsers that are served at once."""

_SILENCE_S = 15.0


def make_app(poller: Poller, roots: SourceRoots | None = None, token: str | None = None) -> Any:
    """Make the application.

    Parameters
    ----------
    poller : Poller
        Started and stopped with the application.
    roots : SourceRoots, optional
        Folders whose source may be shown; none by default.
    token : str, optional
        What every request must carry; see `Guard`.

    Raises
    ------
    ConfigError
        starlette or plotly is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
        from starlette.routing import Route
    except ImportError:
        raise ConfigError(
            "the dashboard needs starlette: pip install 'kimera-leakguard-native[dashboard]'"
        ) from None
    plotly = assets.plotly_path()
    sources = roots or SourceRoots(())
    streams = 0

    async def index(_: Any) -> Any:
        return Response(page.live(), media_type="text/html")

    async def asset(request: Any) -> Any:
        name = request.path_params["name"]
        if name == "plotly.min.js":
            return FileResponse(plotly, media_type="text/javascript")
        if name not in assets.OWN or name.endswith(".html"):
            return Response("No such file.\n", 404, media_type="text/plain")
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return Response(assets.own(name), media_type=kind)

    async def state(_: Any) -> Any:
        return JSONResponse(poller.state())

    async def source(request: Any) -> Any:
        query = request.query_params
        try:
            line = int(query.get("line", ""))
        except ValueError:
            return Response("line: expected a number.\n", 400, media_type="text/plain")
        lines = await asyncio.to_thread(sources.around, query.get("file", ""), line)
        if lines is None:
            return Response("Not inside the source roots.\n", 404, media_type="text/plain")
        return JSONResponse({"lines": lines})

    async def events(_: Any) -> Any:
        if streams >= MOST_STREAMS:
            return Response("Too many browsers.\n", 503, media_type="text/plain")

        # Counted where it is certain to be counted back: a client may be gone before it begins.
        async def stream() -> AsyncIterator[str]:
            nonlocal streams
            streams += 1
            seen = -1
            try:
                # Only the newest state is ever sent: who reads slowly misses some, and keeps
                # nothing of ours.
                while True:
                    if await poller.newer(seen, _SILENCE_S):
                        seen = poller.version
                        text = json.dumps(poller.state(), separators=(",", ":"))
                        yield f"event: state\ndata: {text}\n\n"
                    else:
                        yield ": still here\n\n"
            finally:
                streams -= 1

        return StreamingResponse(stream(), media_type="text/event-stream")

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        task = asyncio.create_task(poller.run(), name="klg-poller")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/assets/{name}", asset),
            Route("/state", state),
            Route("/source", source),
            Route("/events", events),
        ],
        lifespan=lifespan,
    )
    return Guard(app, token)
