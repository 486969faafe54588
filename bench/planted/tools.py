"""The tools that watch a planted program: how each is started and how its answer is read."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planted.outcome import Outcome, failed, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planted.truth import Program

HERE = Path(__file__).resolve().parent
PATIENCE = 4.0
"""How many times its own length a run may take before it counts as hung."""


def _klg(report: Path, options: Sequence[str]) -> list[list[str]]:
    verb = [sys.executable, "-m", "kimera_leakguard_native", "run", "--report", str(report)]
    return [[*verb, *options]]


def _tracemalloc(report: Path, options: Sequence[str]) -> list[list[str]]:
    return [[sys.executable, str(HERE / "tracemalloc_diff.py"), str(report), *options]]


def _memray(report: Path, options: Sequence[str]) -> list[list[str]]:
    capture = str(report.with_suffix(".bin"))
    record = [sys.executable, "-m", "memray", "run", "--aggregate", "--trace-python-allocators"]
    read = [sys.executable, str(HERE / "memray_leaks.py"), capture, str(report)]
    return [[*record, *options, "--quiet", "--force", "-o", capture], read]


TOOLS = {"klg": _klg, "tracemalloc": _tracemalloc, "memray": _memray}
"""Name of a tool and its commands: the first watches the program, the others read what it left."""


def absent(tool: str) -> bool:
    """Whether a tool that is not ours is missing here."""
    return importlib.util.find_spec({"klg": "kimera_leakguard_native"}.get(tool, tool)) is None


def observe(
    tool: str,
    program: Program,
    folder: Path,
    *,
    seconds: float,
    seed: int,
    options: Sequence[str] = (),
) -> Outcome:
    """Run one program under one tool in processes of their own, and judge the answer."""
    report = folder / f"{tool}-{program.name}-{seed}.json"
    watch, *others = TOOLS[tool](report, options)
    arguments = [str(program.path), "--seconds", str(seconds), "--seed", str(seed)]
    started = time.monotonic()
    try:
        for command in ([*watch, *arguments], *others):
            process = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=60 + PATIENCE * seconds,
                check=False,
            )
            if process.returncode != 0:
                tail = " | ".join(process.stderr.strip().splitlines()[-3:])
                return failed(
                    program, f"exit code {process.returncode}: {tail}", time.monotonic() - started
                )
    except subprocess.TimeoutExpired:
        return failed(program, "hung", time.monotonic() - started)
    return judge(program, _read(report), time.monotonic() - started)


def _read(report: Path) -> dict[str, Any] | None:
    try:
        loaded = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return loaded if isinstance(loaded, dict) else None
