"""`klg config`."""

from __future__ import annotations

import click

from kimera_leakguard_native import config


@click.command()
def command() -> None:
    """Print each setting, its value and where the value comes from.

    \b
    Example:
      KLG_JOBS=4 klg config
    """  # noqa: D301
    loaded = config.load()
    for name, source in loaded.sources.items():
        value = getattr(loaded.settings, name)
        shown = ",".join(value) if isinstance(value, tuple) else value
        click.echo(f"{name.replace('_', '-')} = {shown}  # {source}")
