"""`klg diff`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kimera_leakguard_native.cli import exit_codes
from kimera_leakguard_native.reporters import run_diff, run_reading

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(before: Path, after: Path, *, as_json: bool) -> int:
    """Say what two runs differ in; exits with 1 where the second has a leak that the first has not.

    Both are what klg run --report or --capture has written.

    \b
    Example:
      klg diff yesterday.json today.json
    """  # noqa: D301
    reports = run_reading.read(before), run_reading.read(after)
    changes = run_diff.compare(*reports)
    if as_json:
        click.echo(json.dumps(run_diff.to_dict(*reports, changes), indent=2))
    else:
        click.echo(run_diff.render(*reports, changes), nl=False)
    return exit_codes.FINDINGS if any(change.new_leak for change in changes) else exit_codes.CLEAN
