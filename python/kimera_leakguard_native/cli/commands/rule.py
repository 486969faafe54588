"""`klg rule`."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict

import click

from kimera_leakguard_native.analysis.rules.registry import Rule, rules
from kimera_leakguard_native.errors import ConfigError


@click.command()
@click.argument("codes", nargs=-1, metavar="CODE…")
@click.option("--all", "everything", is_flag=True, help="Every rule.")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text")
def command(codes: tuple[str, ...], *, everything: bool, output_format: str) -> None:
    """Explain rules: what each reports, why that is bad, and what to write instead.

    Without a code, list them.

    \b
    Example:
      klg rule KLG101
    """  # noqa: D301
    known = rules()
    chosen = list(known.values()) if everything else [_named(code, known) for code in codes]
    if output_format == "json":
        listed = chosen or list(known.values())
        click.echo(json.dumps([asdict(rule) for rule in listed], indent=2))
    elif chosen:
        click.echo("\n\n".join(_page(rule) for rule in chosen))
    else:
        for rule in known.values():
            click.echo(f"{rule.code}  {rule.name}: {rule.summary}")


def _named(name: str, known: dict[str, Rule]) -> Rule:
    for rule in known.values():
        if name.upper() == rule.code or name.lower() == rule.name:
            return rule
    names = [*known, *(rule.name for rule in known.values())]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}?" if close else "klg rule lists them"
    raise ConfigError(f"{name}: no rule is called that; {hint}")


def _page(rule: Rule) -> str:
    return f"# {rule.code}: {rule.name}\n\n{rule.page.strip()}\n\n## What to do\n{rule.help}"
