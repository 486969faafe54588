"""`klg export`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kimera_leakguard_native.cli.output_file import write_output
from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.exporters import collapsed, pprof
from kimera_leakguard_native.reporters import run_reading

if TYPE_CHECKING:
    from kimera_leakguard_native.model.profile import HeapProfile

_ENDINGS = {"pprof": ".pb.gz", "collapsed": ".collapsed"}


@click.command()
@click.argument("source", metavar="PID|RUN")
@click.option(
    "--to",
    "form",
    type=click.Choice(sorted(_ENDINGS)),
    default="pprof",
    show_default=True,
    help="pprof has live and all allocations; collapsed has live bytes, for flame graphs.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="RUN.pb.gz or heap-PID.pb.gz by default.",
)
@click.option("-f", "--force", is_flag=True, help="Write over an existing file.")
def command(source: str, *, form: str, output: Path | None, force: bool) -> None:
    """Write the heap profile of a process or of a run for other tools.

    PID is a process that has called klg.start() or runs under klg run; RUN is what klg run --report
    or --capture has written.

    \b
    Example:
      klg run --report leaks.json service.py
      klg export leaks.json --to pprof
      go tool pprof -http : leaks.pb.gz
    """  # noqa: D301
    if source.isdigit() and not Path(source).exists():
        profile, ended, program = _of_process(int(source))
        target = output or Path(f"heap-{source}{_ENDINGS[form]}")
    else:
        profile, ended = _of_run(Path(source))
        program = Path(source).stem
        target = output or Path(source).with_suffix(_ENDINGS[form])
    if form == "pprof":
        data = pprof.encode(profile, ended, program)
    else:
        data = collapsed.encode(profile).encode("utf-8", "replace")
    write_output(target, data, force=force)
    click.echo(str(target))


def _of_process(pid: int) -> tuple[HeapProfile, float, str]:
    import msgspec

    from kimera_leakguard_native.model.profile import HeapProfile
    from kimera_leakguard_native.runtime.agent import client

    answer = client.ask(pid, ["process", "heap"])
    try:
        profile = msgspec.convert(answer["heap"], HeapProfile)
    except msgspec.ValidationError as error:
        raise ConfigError(f"process {pid} gave no heap profile: {error}") from error
    return profile, time.time(), str(answer["process"]["name"])


def _of_run(path: Path) -> tuple[HeapProfile, float]:
    report = run_reading.read(path)
    if report.profile is None:
        raise ConfigError(
            f"{path} has no heap profile: nothing was sampled in that run, or its capture was full"
        )
    return report.profile, report.ended
