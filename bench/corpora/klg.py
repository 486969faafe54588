"""Run `klg check` as a user does, and read its JSON report."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Alarm:
    """A finding, or what a peer reports, at one line.

    Attributes
    ----------
    code : str
        ``KLG101``, or the peer's name of its rule.
    tier : str
        One of N, E, X, D, M; empty for peers, which have no such thing.
    """

    file: str
    line: int
    code: str
    tier: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What one run of `klg check` said."""

    alarms: tuple[Alarm, ...]
    errors: tuple[tuple[str, str], ...]
    lines: int
    seconds: float


class CheckFailed(Exception):
    """`klg check` gave no report; the message is what it printed instead."""


def check(paths: Sequence[Path], *options: str) -> Checked:
    """Check files and folders, in the default output or with options such as ``--all``."""
    command = [sys.executable, "-m", "kimera_leakguard_native", "check"]
    command += ["--no-fixes", "--no-cache", "--output-format", "json"]
    done = subprocess.run(
        [*command, *options, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        text = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
        raise CheckFailed(text[-2000:]) from None
    return read(report)


def read(report: dict[str, object]) -> Checked:
    """Turn the JSON report into alarms."""
    findings, errors = report["findings"], report["errors"]
    statistics = report["statistics"]
    assert isinstance(findings, list)
    assert isinstance(errors, list)
    assert isinstance(statistics, dict)
    return Checked(
        tuple(Alarm(f["file"], f["line"], f["code"], f["tier"], f["message"]) for f in findings),
        tuple((e["file"], e["message"]) for e in errors),
        statistics["lines"],
        statistics["seconds"],
    )
