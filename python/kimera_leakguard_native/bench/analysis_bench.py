"""The static analyzer: lines a second cold and warm, growth, memory, and what z3 takes out.

Every run is a process of its own on one core and is judged by its processor time, so that a busy
machine changes little. Each must have found exactly the leaks that were planted.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis.summary_view import function_summary
from kimera_leakguard_native.bench.analysis_workloads import Planted, function_text, write_project
from kimera_leakguard_native.bench.harness import Measurement, Options, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZES = (10_000, 100_000)
_LARGE = 1_000_000


@dataclass(frozen=True, slots=True)
class _Run:
    document: dict[str, Any]
    seconds: float
    peak_mib: float

    @property
    def lines_per_second(self) -> float:
        return float(self.document["statistics"]["lines"]) / self.seconds


def run(options: Options) -> Iterator[Result]:
    """Time synthetic projects, the functions of the historic API, and real sources if given."""
    with tempfile.TemporaryDirectory(prefix="klg-bench-") as name:
        folder = Path(name)
        sizes = (*_SIZES, _LARGE) if options.large else _SIZES[: 1 if options.quick else 2]
        per_line: list[float] = []
        for size in sizes:
            project = folder / str(size)
            planted = write_project(project, size, options.seed)
            rounds = 1 if size == _LARGE else options.rounds(5 if size < 100_000 else 3)
            for result in _sized(f"lines={size}", [project], planted, rounds, folder):
                if result.case.startswith("cold/") and result.ours is not None:
                    per_line.append(1e6 / result.ours.median)
                yield result
        if len(per_line) > 1:
            growth = [last / first for first, last in itertools.pairwise(per_line)]
            case = "growth/" + "-".join(str(size) for size in sizes)
            yield Result(
                "analysis", case, "x a line", "lower", Measurement.of(growth), checked=True
            )
        yield _removed(options.seed)
        if options.source is not None:
            project = folder / "planted"
            planted = write_project(project, 200, options.seed)
            case = f"source={options.source.name}"
            yield from _sized(case, [options.source, project], planted, options.rounds(3), folder)
    yield from _historic(options)


def _sized(
    case: str, paths: list[Path], planted: Planted, rounds: int, folder: Path
) -> Iterator[Result]:
    """Time cold and warm runs over some paths, of which the last holds what was planted."""
    cold = [_check(paths, planted, "--no-cache") for _ in range(rounds)]
    where = {"KLG_CACHE_DIR": str(folder / f"cache-{case}")}
    first = _check(paths, planted, **where)
    warm = [_check(paths, planted, **where) for _ in range(rounds)]
    for one in (*cold, first, *warm):
        _require(_same(one.document, cold[0].document), "two runs differ in what they found")
    hits = len(planted.leaks)
    for name, runs in (("cold", cold), ("warm", warm)):
        rates = Measurement.of([one.lines_per_second for one in runs])
        unit = "lines a CPU s"
        yield Result("analysis", f"{name}/{case}", unit, "higher", rates, checked=True, hits=hits)
    memory = Measurement.of([one.peak_mib for one in cold])
    yield Result("analysis", f"peak-memory/{case}", "MiB", "lower", memory, checked=True, hits=hits)


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    keys = ("findings", "errors")
    return all(one[key] == other[key] for key in keys)


def _check(paths: list[Path], planted: Planted, *arguments: str, **environment: str) -> _Run:
    """Run the command once; what it says about the last path must be what was planted."""
    command = [sys.executable, "-m", "kimera_leakguard_native", "check", *map(str, paths)]
    command += ["--output-format", "json", "--jobs", "1", *arguments]
    with tempfile.TemporaryFile() as out:
        child = os.posix_spawn(
            sys.executable,
            command,
            {**os.environ, **environment},
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
        )
        _, status, usage = os.wait4(child, 0)
        out.seek(0)
        text = out.read()
    code = os.waitstatus_to_exitcode(status)
    _require(code in (0, 1), f"klg check ended with {code}")
    document = json.loads(text)
    found = {
        (Path(one["file"]).relative_to(paths[-1]).as_posix(), one["line"], one["tier"])
        for one in document["findings"]
        if Path(one["file"]).is_relative_to(paths[-1])
    }
    expected = set(planted.leaks)
    if "--no-symbolic" in arguments:
        found = {(file, line, "") for file, line, _ in found}
        expected = {(file, line, "") for file, line, _ in planted.leaks}
        expected |= {(file, line, "") for file, line in planted.guarded}
    _require(found == expected, f"not what was planted: {sorted(found ^ expected)[:3]}")
    seconds = usage.ru_utime + usage.ru_stime
    return _Run(document, seconds, usage.ru_maxrss / 1024)


def _removed(seed: int) -> Result:
    """Give the share of alarms that the symbolic stage took out: all of them false, no true one."""
    with tempfile.TemporaryDirectory(prefix="klg-bench-") as name:
        planted = write_project(Path(name), 10_000, seed)
        every = _check([Path(name)], planted, "--no-cache", "--no-symbolic")
        decided = _check([Path(name)], planted, "--no-cache")
    alarms, kept = (len(one.document["findings"]) for one in (every, decided))
    share = 100 * (alarms - kept) / alarms
    return Result(
        "analysis",
        "alarms-removed-by-symbolic-stage",
        "% of alarms",
        "higher",
        Measurement(share, share, share, 1),
        checked=True,
        hits=len(planted.leaks),
    )


def _historic(options: Options) -> Iterator[Result]:
    """Time the summary of one function of 10 and of 100 lines, as the historic API gives it."""
    texts = {lines: function_text(lines) for lines in (10, 100)}
    for lines, text in texts.items():
        _require(text.count("\n") == lines, "the function has another length")
        summary = function_summary(text, "work")
        _require(not summary.is_memory_safe, "the planted leak was not found")
        _require(len(summary.allocations) == text.count("[0]") + text.count("open("), "allocations")
    times: dict[int, list[float]] = {lines: [] for lines in texts}
    for _ in range(options.rounds(15)):
        for lines, text in texts.items():
            start = time.thread_time_ns()
            function_summary(text, "work")
            times[lines].append((time.thread_time_ns() - start) / 1e6)
    for lines, values in times.items():
        yield Result(
            "analysis",
            f"historic/lines={lines}",
            "CPU ms",
            "lower",
            Measurement.of(values),
            checked=True,
            hits=1,
        )
    ratio = statistics.median(times[100]) / statistics.median(times[10])
    yield Result(
        "analysis",
        "historic/100-to-10",
        "x",
        "lower",
        Measurement(ratio, ratio, ratio, len(times[10])),
        checked=True,
    )


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)
