"""A small HTTP server for what other tools fetch."""

from __future__ import annotations

import contextlib
import socket
import threading
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.model.addresses import host_name, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


MOST_CLIENTS = 32
"""Connections that are served at once."""


class _Server(ThreadingMixIn, WSGIServer):
    """Serves each connection on a thread; who is slow makes room for who comes.

    So idle connections cost the host no more than `MOST_CLIENTS` threads, and keep nobody out.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *arguments: Any) -> None:
        self._open: dict[int, Any] = {}  # oldest first
        self._lock = threading.Lock()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open[id(request)] = request
            crowded = len(self._open) > MOST_CLIENTS
            oldest = self._open.pop(next(iter(self._open))) if crowded else None
        if oldest is not None:
            with contextlib.suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)  # its thread reads the end and goes
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(id(request), None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is no error of the host's."""


class _Handler(WSGIRequestHandler):
    timeout = 10  # seconds of a client that sends nothing

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base
        """Say nothing: a scrape is no event."""


def serve(
    paths: Mapping[str, Application], otherwise: Application, port: int, address: str
) -> tuple[WSGIServer, threading.Thread]:
    """Serve applications by path on a daemon thread.

    On an address of this machine only requests for one of its names are answered, so that no page
    of somebody else's can ask through a name of its own; what a page of another origin asks for is
    refused everywhere.

    Raises
    ------
    ConfigError
        The address cannot be listened on.
    """
    local = is_loopback(address)

    def route(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_ORIGIN" in environ or (local and not _asks_here(environ)):
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"Pages of another origin may not ask here.\n"]
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


def _asks_here(environ: dict[str, Any]) -> bool:
    try:
        return is_loopback(host_name(environ.get("HTTP_HOST", "localhost")))
    except ValueError:
        return False
