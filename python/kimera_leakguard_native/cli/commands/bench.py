"""`klg bench`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kimera_leakguard_native.bench import machine, suite
from kimera_leakguard_native.bench.harness import Options
from kimera_leakguard_native.cli.progress import Progress

if TYPE_CHECKING:
    from kimera_leakguard_native.bench.harness import Result


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(sorted(suite.BENCHMARKS)), metavar="[NAME…]")
@click.option("--peers", is_flag=True, help="Time installed peers as well.")
@click.option("--quick", is_flag=True, help="Fewer rounds.")
@click.option("--large", is_flag=True, help="The largest workloads as well.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the workloads.")
@click.option(
    "--source",
    type=click.Path(path_type=Path, exists=True),
    help="For analysis: source code to check as well; for contradiction: a .npy file of rows.",
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write results here.")
def command(
    names: tuple[str, ...],
    *,
    peers: bool,
    quick: bool,
    large: bool,
    seed: int,
    source: Path | None,
    json_path: Path | None,
) -> None:
    """Time the native parts beside others in one run: quote the ratios, not the absolutes.

    \b
    Example:
      klg bench registry sampler --json figures.json
    """  # noqa: D301
    options = Options(peers=peers, quick=quick, large=large, seed=seed, source=source)
    shape = machine.describe()
    click.echo("  ".join(f"{key}={value}" for key, value in shape.items()))
    results: list[Result] = []
    chosen = names or sorted(suite.BENCHMARKS)
    for number, name in enumerate(chosen):
        with Progress(f"bench {name}") as progress:
            for result in suite.run(name, options):
                results.append(result)
                progress.echo(_line(result))
                progress(number, len(chosen))
    if json_path is not None:
        report = {"version": 1, "machine": shape, "results": [r.to_dict() for r in results]}
        json_path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _line(result: Result) -> str:
    ours = result.ours
    if ours is None:
        return f"{result.name}/{result.case}: {result.note}"
    text = (
        f"{result.name}/{result.case}: {ours.median:.4g} {result.unit} "
        f"(min {ours.min:.4g}, max {ours.max:.4g}, {ours.runs} runs, {result.better} is better)"
    )
    if result.hits is not None:
        text += f", {result.hits} hits"
    text += ", checked" if result.checked else ", NOT checked"
    if result.note:
        text += f"\n    {result.note}"
    for name, other in result.others.items():
        text += f"\n    {name} ({other.role}): {other.median:.4g} {result.unit}"
        text += f", ours {other.ratio:.2f} times as good"
    return text
