"""`klg demo`."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from kimera_leakguard_native.cli import exit_codes

if TYPE_CHECKING:
    from kimera_leakguard_native.integration.demo.scenario import DemoResult


@click.command()
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(5, 3600))
@click.option("--rate", default=400.0, show_default=True, help="Requests a second.")
@click.option("--no-recovery", is_flag=True, help="Only watch and forecast.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(*, seconds: float, rate: float, no_recovery: bool, as_json: bool) -> int:
    """Show a service that leaks, is noticed, and recovers while it is being asked.

    An HTTP service on loopback adds a field for every request and never removes one, and its cache
    has no bound. Both are found, alerted and recovered from. Without recovery, the forecast says
    when the memory would have been exhausted. Exits with 1 where a request failed.

    \b
    Example:
      klg demo
      klg demo --no-recovery
    """  # noqa: D301
    from kimera_leakguard_native.integration.demo.scenario import Demo

    def say(line: str) -> None:
        click.echo(line, err=as_json)

    # What the guard would log is said already.
    logging.getLogger("kimera_leakguard_native").setLevel(logging.CRITICAL + 1)
    result = asyncio.run(Demo(seconds, rate, recover=not no_recovery, say=say).run())
    if as_json:
        click.echo(json.dumps(asdict(result), indent=2))
    else:
        for line in _lines(result):
            click.echo(line)
    return exit_codes.FINDINGS if result.failed else exit_codes.CLEAN


def _lines(result: DemoResult) -> list[str]:
    memory = f"{result.baseline_mb:.0f} -> {result.peak_mb:.0f} -> {result.end_mb:.0f} MB"
    lines = [f"{result.requests} requests, {result.failed} failed; memory {memory}"]
    if result.exhausted_at and result.predicted:
        wrong = result.predicted["predicted_leak_time"] - result.exhausted_at
        ahead = result.exhausted_at - result.predicted["made_at"]
        lines.append(f"forecast {ahead:.0f} s ahead, {abs(wrong):.0f} s off")
    return lines
