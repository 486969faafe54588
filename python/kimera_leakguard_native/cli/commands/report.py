"""`klg report`."""

from __future__ import annotations

from pathlib import Path

import click

from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.reporters import run_html, run_reading


@click.command()
@click.argument("run", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="RUN.html by default."
)
@click.option("-f", "--force", is_flag=True, help="Write over an existing file.")
def command(run: Path, *, output: Path | None, force: bool) -> None:
    """Make one HTML file of a run, which opens anywhere and needs no network.

    RUN is what klg run --report or --capture has written.

    \b
    Example:
      klg run --report leaks.json service.py
      klg report leaks.json
    """  # noqa: D301
    target = output or run.with_suffix(".html")
    text = run_html.render(run_reading.read(run), run.name)
    try:
        with target.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{target} exists: -f writes over it, -o names another") from None
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {error.strerror}") from error
    click.echo(str(target))
