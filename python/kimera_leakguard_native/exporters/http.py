"""A small HTTP server for what other tools fetch."""

from __future__ import annotations

import threading
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from kimera_leakguard_native.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = 10  # seconds of a client that sends nothing

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base
        """Say nothing: a scrape is no event."""


def serve(
    paths: Mapping[str, Application], otherwise: Application, port: int, address: str
) -> tuple[WSGIServer, threading.Thread]:
    """Serve applications by path on a daemon thread.

    Raises
    ------
    ConfigError
        The address cannot be listened on.
    """

    def route(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return paths.get(environ["PATH_INFO"], otherwise)(environ, start_response)

    try:
        server = make_server(address, port, route, _Server, _Handler)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {address}:{port}: {error.strerror or error}; name another port"
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="klg-http", daemon=True)
    thread.start()
    return server, thread
