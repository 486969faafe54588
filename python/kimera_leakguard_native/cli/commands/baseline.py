"""`klg baseline`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kimera_leakguard_native import config
from kimera_leakguard_native.analysis import engine
from kimera_leakguard_native.analysis.baseline import Baseline
from kimera_leakguard_native.analysis.discovery import discover
from kimera_leakguard_native.cli.check_options import options_of
from kimera_leakguard_native.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.model.finding import Finding

DEFAULT = "klg-baseline.json"


def _verb(function: Callable[..., None]) -> click.Command:
    paths = click.argument("paths", nargs=-1, required=True, metavar="PATH…")
    file = click.option(
        "--file",
        type=click.Path(path_type=Path, dir_okay=False),
        default=DEFAULT,
        show_default=True,
        help="The baseline.",
    )
    return click.command()(paths(file(function)))


@click.group()
def command() -> None:
    """Keep the findings that are known, so that only new ones count.

    \b
    Example:
      klg baseline create src/
      klg check src/ --baseline klg-baseline.json
    """  # noqa: D301


@_verb
def create(paths: tuple[str, ...], file: Path) -> None:
    """Write a new baseline of what is found now."""
    if file.exists():
        raise ConfigError(f"{file}: exists; klg baseline update replaces what it knows")
    baseline = Baseline(file)
    entries = baseline.entries_of(_findings(paths)).values()
    Baseline(file, entries).save()
    click.echo(
        f"{file}: {len(set(entries))} known findings; check --baseline {file} leaves them out"
    )


@_verb
def update(paths: tuple[str, ...], file: Path) -> None:
    """Take over what is found now: new findings come in, gone ones go."""
    baseline = Baseline.load(file)
    found = _findings(paths)
    gone = baseline.compare(found, discover(paths).files).gone
    entries = (baseline.entries - set(gone)) | set(baseline.entries_of(found).values())
    Baseline(file, entries).save()
    added = len(entries - baseline.entries)
    click.echo(f"{file}: {added} added, {len(gone)} gone, {len(entries)} known findings")


@_verb
def prune(paths: tuple[str, ...], file: Path) -> None:
    """Drop findings that are gone; take in none."""
    baseline = Baseline.load(file)
    gone = baseline.compare(_findings(paths), discover(paths).files).gone
    Baseline(file, baseline.entries - set(gone)).save()
    click.echo(f"{file}: {len(gone)} gone, {len(baseline.entries) - len(gone)} known findings")


def _findings(paths: tuple[str, ...]) -> list[Finding]:
    return engine.check(paths, options_of(config.load().settings)).findings


for _one in (create, update, prune):
    command.add_command(_one)
