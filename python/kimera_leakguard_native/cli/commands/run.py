"""`klg run`."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kimera_leakguard_native import _core, config
from kimera_leakguard_native.cli import exit_codes
from kimera_leakguard_native.errors import ConfigError, RuntimeUnavailable
from kimera_leakguard_native.reporters import run_capture, run_json, run_text
from kimera_leakguard_native.runtime.launch import supervisor
from kimera_leakguard_native.runtime.overhead import BUDGET, CREDIT_SECONDS

if TYPE_CHECKING:
    from kimera_leakguard_native.model.site import RunReport

ADAPTIVE_MEAN = 4096.0
"""Bytes between samples at first, where no mean was asked for: a short run needs many samples, and
the guard widens the mean as soon as they cost more than the budget."""


@click.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": False})
@click.option("--report", type=click.Path(path_type=Path), help="Write the JSON report here.")
@click.option(
    "--capture", type=click.Path(path_type=Path), help="Append how the run stands to this file."
)
@click.option("--sample-bytes", type=int, help="Mean bytes between samples; adaptive by default.")
@click.option("--interval", type=float, help="Seconds between two readings.")
@click.option("--native", type=click.Choice(["off", "got"]), help="See C allocations too.")
@click.option("--preload", is_flag=True, help="See C allocations completely, through LD_PRELOAD.")
@click.option("--follow-fork", is_flag=True, help="Sample forked children too.")
@click.option("--no-guard", is_flag=True, help="Never widen the mean to hold the cost down.")
@click.option("--fail-on", type=click.Choice(["leak"]), help="Exit 1 where the program exits 0.")
@click.option("-m", "as_module", is_flag=True, help="TARGET is a module, as in python -m.")
@click.argument("target")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    target: str,
    arguments: tuple[str, ...],
    *,
    report: Path | None,
    capture: Path | None,
    sample_bytes: int | None,
    interval: float | None,
    native: str | None,
    preload: bool,
    follow_fork: bool,
    no_guard: bool,
    fail_on: str | None,
    as_module: bool,
) -> int:
    """Run a program and say what it leaks.

    The program gets the arguments, the streams and the signals, and its exit code is passed through
    (128 + n where signal n ended it). The report goes to stderr when it ends. What --capture keeps
    is there even where nothing of this survives, for klg report and klg diff.

    \b
    Example:
      klg run --report leaks.json service.py --port 8080
    """  # noqa: D301
    loaded = config.load(
        overrides={"sample_bytes": sample_bytes, "interval": interval, "native": native}
    )
    if preload:
        if native == "got":
            raise ConfigError("--native got and --preload: choose one, --preload sees more")
        if reason := supervisor.preload_unavailable_reason():
            raise RuntimeUnavailable(f"--preload: {reason}")
    if not as_module:
        _check_script(target)
    command_line = [*(["-m"] if as_module else []), target, *arguments]
    if config.disabled():
        _replace_process(command_line)
    if reason := _core.sampler.unavailable_reason():
        raise RuntimeUnavailable(f"klg run cannot observe programs here: {reason}")
    if report is not None:
        _check_writable(report)
    kept = None if capture is None else run_capture.CaptureWriter(capture)

    outcome = supervisor.run(
        command_line,
        _sampling(loaded, guard=not no_guard, preload=preload, follow_fork=follow_fork),
        None if kept is None else kept.append,
    )
    result = _explained(outcome.report)
    if report is not None:
        _write(report, run_json.render(result))
    if kept is not None and outcome.observed:
        _append(kept, result)
    _tell(run_text.render(result, observed=outcome.observed))
    leaked = fail_on == "leak" and result.process_verdict == "leak"
    return exit_codes.FINDINGS if leaked and outcome.exit_code == 0 else outcome.exit_code


def _check_script(target: str) -> None:
    path = Path(target)
    try:
        if path.is_dir():
            if not (path / "__main__.py").is_file():
                raise ConfigError(f"{target} is a directory without __main__.py")
            return
        with path.open("rb"):
            pass
    except OSError as error:
        raise ConfigError(f"cannot run {target}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"cannot run {target!r}: {error}") from error


def _check_writable(report: Path) -> None:
    existed = report.exists()
    try:
        with report.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise ConfigError(f"cannot write the report to {report}: {error.strerror}") from error
    if not existed:
        report.unlink()  # no report means no file


def _write(report: Path, text: str) -> None:
    try:
        if report.exists() and not report.is_file():  # a pipe or a device
            report.write_text(text, encoding="utf-8")
            return
        partial = report.with_name(f".{report.name}.{os.getpid()}")
        partial.write_text(text, encoding="utf-8")
        partial.replace(report)
    except OSError as error:
        _tell(f"klg: cannot write the report to {report}: {error.strerror}\n")


def _append(kept: run_capture.CaptureWriter, report: RunReport) -> None:
    try:
        kept.append(report)
    except OSError as error:
        _tell(f"klg: the end of the run is not in the capture: {error}\n")


def _tell(text: str) -> None:
    # Closed from the start, or its reader has gone: the program's exit code matters more.
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()


def _replace_process(command_line: list[str]) -> None:
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *command_line])


def _sampling(
    loaded: config.Loaded, *, guard: bool, preload: bool, follow_fork: bool
) -> supervisor.Sampling:
    settings = loaded.settings
    adaptive = guard and loaded.sources["sample_bytes"] == "default"
    return supervisor.Sampling(
        mean_bytes=ADAPTIVE_MEAN if adaptive else float(settings.sample_bytes),
        budget=BUDGET if guard else 0.0,
        credit_s=CREDIT_SECONDS,
        interval=settings.interval,
        native="preload" if preload else settings.native,
        follow_fork=follow_fork,
    )


def _explained(report: RunReport) -> RunReport:
    from kimera_leakguard_native.hybrid import correlate

    return correlate.explain(report)
