"""`klg report`."""

from __future__ import annotations

from pathlib import Path

import click

from kimera_leakguard_native.cli.output_file import write_output
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
    write_output(target, text.encode(), force=force)
    click.echo(str(target))
