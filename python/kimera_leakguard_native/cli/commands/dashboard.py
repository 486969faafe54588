"""`klg dashboard`."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from kimera_leakguard_native.errors import ConfigError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535))
@click.option("--token", envvar="KLG_DASHBOARD_TOKEN", help="What every request must carry.")
@click.option(
    "--source-root",
    "roots",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Show source from below this folder, and look there for findings; may be repeated.",
)
@click.option("--interval", default=3.0, show_default=True, type=click.FloatRange(0.2, 3600))
@click.argument("pids", type=int, nargs=-1)
def command(
    pids: tuple[int, ...],
    *,
    host: str,
    port: int,
    token: str | None,
    roots: tuple[Path, ...],
    interval: float,
) -> None:
    """Show in a browser what running processes allocate, keep and leak.

    Without PIDS, every process of yours that has called klg.start() or runs under klg run. The page
    is served to this machine; on another address it needs a token, which is made up and printed if
    you give none.

    \b
    Example:
      klg dashboard --source-root src/
    """  # noqa: D301
    from kimera_leakguard_native.dashboard.app import make_app
    from kimera_leakguard_native.dashboard.poller import Poller
    from kimera_leakguard_native.dashboard.serving import serve
    from kimera_leakguard_native.dashboard.source import SourceRoots
    from kimera_leakguard_native.model.addresses import is_loopback

    if token is not None and len(token) < 16:
        raise ConfigError("--token: expected at least 16 characters")
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(24)
    sources = SourceRoots(roots)
    app = make_app(
        Poller(pids, interval=interval, roots=sources if roots else None), sources, token
    )
    serve(app, host, port, lambda url: click.echo(url + (f"?token={token}" if token else "")))
