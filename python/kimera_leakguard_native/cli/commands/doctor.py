"""`klg doctor`."""

from __future__ import annotations

import json

import click

from kimera_leakguard_native.cli import diagnosis


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, as_json: bool) -> None:
    """Say what this build and this machine can do, and what would bring the rest.

    \b
    Example:
      klg doctor
    """  # noqa: D301
    facts = diagnosis.examine()
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for line in diagnosis.lines(facts):
        click.echo(line)
