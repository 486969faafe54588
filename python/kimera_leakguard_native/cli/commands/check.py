"""`klg check`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from kimera_leakguard_native import config
from kimera_leakguard_native.analysis import collection, engine, fingerprints, frontend
from kimera_leakguard_native.analysis.baseline import Baseline
from kimera_leakguard_native.analysis.rules.registry import rules, selected
from kimera_leakguard_native.analysis.symbolic.availability import available
from kimera_leakguard_native.cli import exit_codes
from kimera_leakguard_native.cli.check_options import options_of
from kimera_leakguard_native.cli.progress import Progress
from kimera_leakguard_native.errors import AnalysisError, ConfigError
from kimera_leakguard_native.model.finding import TIERS
from kimera_leakguard_native.reporters import check_json, check_sarif, check_text


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--output-format", type=click.Choice(["text", "json", "sarif"]), default="text")
@click.option("--select", metavar="CODES", help="Only these rules: codes or prefixes, by comma.")
@click.option("--tier", metavar="TIERS", help="Only these tiers, in full: N,E,X,D,M.")
@click.option("--all", "everything", is_flag=True, help="Every tier, with evidence or without.")
@click.option("--jobs", type=click.IntRange(min=0), help="Processes; 0 means one a core.")
@click.option("--no-symbolic", is_flag=True, help="Do not ask the solver which paths can be taken.")
@click.option("--no-cache", is_flag=True, help="Neither use nor keep results of earlier runs.")
@click.option(
    "--baseline",
    "known",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Leave out the findings of this baseline; see klg baseline.",
)
@click.option("--fix", is_flag=True, help="Change the files: apply every verified fix.")
@click.option("--diff", is_flag=True, help="Print what --fix would change; change nothing.")
@click.option("--no-fixes", is_flag=True, help="Do not look for fixes, which costs time.")
@click.option("--statistics", is_flag=True, help="Print what the run did.")
def command(
    paths: tuple[str, ...],
    *,
    output_format: str,
    select: str | None,
    tier: str | None,
    everything: bool,
    jobs: int | None,
    no_symbolic: bool,
    no_cache: bool,
    known: Path | None,
    fix: bool,
    diff: bool,
    no_fixes: bool,
    statistics: bool,
) -> int:
    """Find resources that are not released on some path through the source code.

    Reported by default: N, never released; E, left open at an explicit early exit; D, dangling
    tasks; and X, left open only if an exception hits, where a call in between is known to raise.
    Nothing that is read is ever imported or run.

    \b
    Example:
      klg check src/ --all
    """  # noqa: D301
    settings = config.load(
        overrides={
            "select": select,
            "tier": ",".join(TIERS) if everything else tier,
            "jobs": jobs,
            "symbolic": False if no_symbolic else None,
            "cache": False if no_cache else None,
        }
    ).settings
    if fix and diff:
        raise click.UsageError("--fix and --diff exclude each other")
    if (fix or diff) and known:
        raise click.UsageError("--fix and --diff know no baseline; use --select or --tier")
    options = replace(options_of(settings), fixes=fix or diff or not no_fixes)
    if not selected(options.select):
        codes = ", ".join(rules())
        raise ConfigError(
            f"select: no rule is called {','.join(options.select)}; there are {codes}"
        )
    baseline = Baseline.load(known) if known else None
    collection.relax()
    with Progress("checking") as progress:
        result = engine.check(list(paths), options, progress)
    if fix or diff:
        from kimera_leakguard_native.cli import fixing

        failures = fixing.repair(list(paths), result, options, write=fix)
        if fix:
            result = engine.check(list(paths), options)
        result.errors = sorted(
            {*result.errors, *failures}, key=lambda error: (error.file, error.message)
        )
    if baseline is not None:
        new = baseline.compare(result.findings, ()).new
        click.echo(f"klg: {len(result.findings) - len(new)} known findings left out", err=True)
        result.findings = new
    if options.symbolic and not available():
        click.echo(
            "klg: z3 is not installed, so paths that cannot be taken are reported too "
            "(pip install z3-solver)",
            err=True,
        )
    if diff:
        text = ""
        for error in result.errors:
            click.echo(f"{error.file}: error: {error.message}", err=True)
    elif output_format == "json":
        text = check_json.render(result)
    elif output_format == "sarif":
        text = check_sarif.render(result, rules(), fingerprints.of_path)
    else:
        text = check_text.render(result, _lines, _help, statistics=statistics, colour=_colour())
    click.echo(text, nl=False, color=True)
    if result.findings:
        return exit_codes.FINDINGS
    nothing_read = result.errors and not result.statistics.files
    return exit_codes.ERROR if nothing_read else exit_codes.CLEAN


def _colour() -> bool:
    """Whether the reader is a terminal that wants colours; see https://no-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _lines(path: str) -> list[str]:
    try:
        return frontend.text_lines(frontend.read(path))
    except AnalysisError:
        return []


def _help(code: str) -> str:
    return rules()[code].help
