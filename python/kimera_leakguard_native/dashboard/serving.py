"""Running the application on a socket."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


def serve(app: Any, host: str, port: int, ready: Callable[[str], object]) -> None:
    """Serve until interrupted; `ready` is called with the address once it listens.

    Raises
    ------
    ConfigError
        uvicorn is not installed, or the address cannot be had.
    """
    try:
        import uvicorn
    except ImportError:
        raise ConfigError(
            "the dashboard needs uvicorn: pip install 'kimera-leakguard-native[dashboard]'"
        ) from None
    name = host.strip("[]")
    try:
        family, *_, address = socket.getaddrinfo(
            name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror}; --port 0 takes a free one"
        ) from error
    with listener:
        shown = f"[{name}]" if ":" in name else name
        ready(f"http://{shown}:{listener.getsockname()[1]}/")
        # Open event streams are cut when it ends, which uvicorn would call an error of each.
        config = uvicorn.Config(
            app, log_level="critical", limit_concurrency=128, timeout_graceful_shutdown=2
        )
        with contextlib.suppress(KeyboardInterrupt):  # how one ends it
            uvicorn.Server(config).run(sockets=[listener])
