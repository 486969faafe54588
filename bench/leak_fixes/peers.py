"""Other analyzers, each restricted to the rules that concern leaks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from corpora.klg import Alarm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from typing import TypeAlias

    Runner: TypeAlias = Callable[[Path], list[Alarm]]

RUFF_RULES = "SIM115,B019,RUF006,RUF075,ASYNC119"
PYLINT_RULES = "R1732,W1518"
_FLAKE8_LINE = re.compile(r"^(?P<file>.+?):(?P<line>\d+):\d+: (?P<code>B019) (?P<text>.*)$")


def installed(folders: Sequence[Path], semgrep_config: Path | None) -> dict[str, Runner]:
    """Give the peers whose program is in one of the folders, or on the search path."""
    found: dict[str, Runner] = {}
    for name, program, run in (
        ("ruff", "ruff", ruff),
        ("pylint", "pylint", pylint),
        ("bugbear", "flake8", bugbear),
    ):
        binary = _which(program, folders)
        if binary is not None:
            found[name] = _bind(run, binary)
    binary = _which("semgrep", folders)
    if binary is not None and semgrep_config is not None:
        found["semgrep"] = _bind(_with_config(semgrep_config), binary)
    return found


def ruff(program: str, file: Path) -> list[Alarm]:
    """Run ruff's leak rules, preview ones too."""
    command = [program, "check", "--isolated", "--preview", "--no-cache"]
    command += ["--select", RUFF_RULES, "--output-format", "json"]
    found = json.loads(_output([*command, str(file)]) or "[]")
    return [
        Alarm(str(file), f["location"]["row"], f["code"], message=f["message"])
        for f in found
        if f["code"] in RUFF_RULES.split(",")
    ]


def pylint(program: str, file: Path) -> list[Alarm]:
    """Run pylint's two rules."""
    command = [program, "-j1", "--rcfile=/dev/null", "--disable=all", f"--enable={PYLINT_RULES}"]
    found = json.loads(_output([*command, "--output-format=json", str(file)]) or "[]")
    return [
        Alarm(str(file), f["line"], f["message-id"], message=f["message"])
        for f in found
        if f["message-id"] in PYLINT_RULES.split(",")
    ]


def bugbear(program: str, file: Path) -> list[Alarm]:
    """Run flake8 with its bugbear plugin's one rule."""
    lines = _output([program, "--isolated", "--select", "B019", str(file)]).splitlines()
    return list(_bugbear_alarms(lines))


def _bugbear_alarms(lines: Iterable[str]) -> Iterable[Alarm]:
    for line in lines:
        match = _FLAKE8_LINE.match(line)
        if match is not None:
            yield Alarm(match["file"], int(match["line"]), match["code"], message=match["text"])


def _with_config(config: Path) -> Callable[[str, Path], list[Alarm]]:
    def semgrep(program: str, file: Path) -> list[Alarm]:
        command = [program, "scan", "--metrics=off", "--disable-version-check", "--no-git-ignore"]
        command += ["-j1", "--config", str(config), "--json", str(file)]
        found = json.loads(_output(command) or '{"results": []}')["results"]
        return [
            Alarm(str(file), f["start"]["line"], f["check_id"].rpartition(".")[2]) for f in found
        ]

    return semgrep


def _which(program: str, folders: Sequence[Path]) -> str | None:
    for folder in folders:
        found = shutil.which(program, path=str(folder))
        if found is not None:
            return found
    return shutil.which(program)


def _bind(run: Callable[[str, Path], list[Alarm]], binary: str) -> Runner:
    return lambda file: run(binary, file)


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
