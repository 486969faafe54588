"""Runs `klg check` as a process and reads its report."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHECK = (sys.executable, "-m", "kimera_leakguard_native", "check")
CPU_SECONDS = 20
BOUND_SECONDS = 600
"""Processor time, far above what any of these inputs needs, and a wall for what waits for ever."""


def _limit_processor_time() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def run(
    *arguments: object, prefix: Sequence[str] = (), **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run `klg check` and fail if it takes too long or shows a traceback."""
    finished = subprocess.run(
        [*prefix, *CHECK, *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=BOUND_SECONDS,
        stdin=subprocess.DEVNULL,
        preexec_fn=_limit_processor_time,
        **options,
    )
    assert b"Traceback" not in finished.stderr, finished.stderr.decode(errors="replace")
    return finished


def report_of(
    *arguments: object, prefix: Sequence[str] = (), code: int | None = None
) -> dict[str, Any]:
    """Give the JSON report of a run, which must end with `code` where one is given."""
    finished = run(*arguments, "--output-format", "json", prefix=prefix)
    wanted = (0, 1, 2) if code is None else (code,)
    assert finished.returncode in wanted, (finished.returncode, finished.stdout, finished.stderr)
    report: dict[str, Any] = json.loads(finished.stdout)
    return report


def lines_in(report: Mapping[str, Any], path: Path) -> list[int]:
    """Lines of the findings in one file, in the order of the report."""
    return [finding["line"] for finding in report["findings"] if finding["file"] == str(path)]


def errors_in(report: Mapping[str, Any], path: Path) -> list[str]:
    """Messages about one file."""
    return [error["message"] for error in report["errors"] if error["file"] == str(path)]


def write(sources: Mapping[str, str], folder: Path) -> None:
    """Write each source to a file of its own; slashes of the name become folders."""
    for name, source in sources.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")


def findings(folder: Path, *options: str) -> dict[str, list[dict[str, Any]]]:
    """Check the folder and group the findings by the name under which the source was written."""
    report = report_of(folder, *options)
    assert report["errors"] == []
    found = defaultdict(list)
    for finding in report["findings"]:
        name = Path(finding["file"]).relative_to(folder).with_suffix("").as_posix()
        found[name].append(finding)
    return found
