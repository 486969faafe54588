"""`klg snapshot`."""

from __future__ import annotations

import json
from typing import Any

import click

from kimera_leakguard_native.reporters.printable import printable
from kimera_leakguard_native.reporters.sizes import human
from kimera_leakguard_native.runtime.agent import client

_SHOWN = 20


@click.command()
@click.argument("pid", type=int, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print everything the process says, as JSON.")
def command(pid: int | None, *, as_json: bool) -> None:
    """Ask a running process what grows and who holds slots; without PID, list whom one can ask.

    A process can be asked that has called klg.start(), or runs under klg run. Nothing in it is
    stopped or attached to: the answer comes through a socket that only its user can open.

    \b
    Example:
      klg snapshot 4711
    """  # noqa: D301
    if pid is None:
        for number in client.processes():
            click.echo(str(number))
        return
    answer = client.ask(pid)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    for line in _lines(answer):
        click.echo(printable(line))


def _lines(answer: dict[str, Any]) -> list[str]:
    process, sites = answer["process"], answer["sites"]
    resident = human(process["resident_bytes"])
    lines = [
        f"process {answer['pid']} ({process['name']}): resident {resident}",
        f"sampled for {sites['seconds']:.0f} s, {sites['samples']} samples",
    ]
    rows = sites["sites"][:_SHOWN]
    if rows:
        lines.append(f"  {'verdict':<10} {'growth':>13} {'live':>11}  site")
    for site in rows:
        place = f"{site['file']}:{site['line']} in {site['function']}" if site["file"] else "native"
        lines.append(
            f"  {site['verdict']:<10} {human(site['growth_bytes_per_s']):>11}/s"
            f" {human(site['live_bytes']):>11}  {place}"
        )
    more = len(sites["sites"]) - len(rows)
    if more > 0:
        lines.append(f"  and {more} more: --json has them")
    for pool in answer.get("slots", []):
        lines += _pool_lines(pool)
    return lines


def _pool_lines(pool: dict[str, Any]) -> list[str]:
    name = f"slots {pool['name']} ({pool['device']})".replace("  ", " ")
    used, committed = human(pool["used_bytes"]), human(pool["committed_bytes"])
    lines = [f"{name}: {pool['live']} of {pool['capacity']} live, {used} of {committed} committed"]
    for held in pool["holders"]:
        place = f"{held['file']}:{held['line']} in {held['function']}" if held["file"] else "?"
        lines.append(f"  {held['slots']:>10} slots, oldest {held['oldest_s']:>6.0f} s  {place}")
    more = pool["lines"] - len(pool["holders"])
    return [*lines, f"  and {more} more lines"] if more else lines
