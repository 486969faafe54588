"""A whole run: files in, findings out."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable  # noqa: TC003 - part of the public signatures
from dataclasses import fields
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.dependencies import digest
from kimera_leakguard_native.analysis.discovery import discover
from kimera_leakguard_native.analysis.options import Options
from kimera_leakguard_native.analysis.surroundings import surroundings
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.finding import CheckResult, CheckStatistics, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.batch import Batch, Checker
    from kimera_leakguard_native.analysis.cache import Entry, Shard
    from kimera_leakguard_native.analysis.module_check import ModuleReport

__all__ = ["Options", "check", "check_files", "findings_in"]

_CHUNK = 16


def check(
    paths: list[str] | tuple[str, ...],
    options: Options | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> CheckResult:
    """Check files and the Python files below directories.

    Never raises for what it reads: a file that cannot be analysed is an entry in the errors.

    Parameters
    ----------
    progress : callable, optional
        Told now and then how many files are done, and of how many.
    """
    options = options or Options()
    start = time.perf_counter()
    found = discover(paths)
    result = check_files(found.files, options, progress)
    result.errors = sorted(
        {*result.errors, *found.errors}, key=lambda error: (error.file, error.message)
    )
    result.statistics.seconds = round(time.perf_counter() - start, 3)
    return result


def findings_in(files: Iterable[str]) -> list[Finding]:
    """Give all findings of the tiers N, E and X in some files, certain or not.

    For callers that have evidence of their own, such as growth at run time. Files that cannot be
    read or parsed have no findings.
    """
    return check_files(sorted(set(files)), Options(tiers=("N", "E", "X"))).findings


def check_files(
    files: list[str],
    options: Options,
    progress: Callable[[int, int], object] | None = None,
) -> CheckResult:
    """Check files that are known to exist, in one or several processes."""
    shard: Shard | None = None
    reports: dict[str, ModuleReport | Entry] = {}
    digests: dict[str, bytes] = {}
    known = [*files, *surroundings(files)]
    checker = _Checker(known, options)
    if options.cache is not None:
        digests = _digests(known)
        shard = _shard(known, options, digests, checker)
        for file in files:
            entry = shard.get(file)
            if entry is not None:
                reports[file] = entry
    hits = len(reports)
    missing = [file for file in files if file not in reports]

    def checked(count: int) -> None:
        if progress is not None:
            progress(hits + count, len(files))

    for chunk, part in _batches(missing, known, options, checker, checked):
        reports.update(zip(chunk, part.reports, strict=True))
        if shard is not None:
            _keep(shard, digests, chunk, part)
    if shard is not None:
        shard.save()
    result = _joined([reports[file] for file in files])
    result.statistics.cached_files = hits
    return result


def _joined(reports: list[ModuleReport | Entry]) -> CheckResult:
    result = CheckResult()
    for report in reports:
        result.findings.extend(report.findings)
        result.errors.extend(report.errors)
        _add(result.statistics, report.statistics)
    result.findings.sort(key=lambda finding: finding.sort_key)
    result.errors.sort(key=lambda error: (error.file, error.message))
    return result


def _batches(
    missing: list[str],
    files: list[str],
    options: Options,
    checker: _Checker,
    checked: Callable[[int], object],
) -> Iterator[tuple[list[str], Batch]]:
    if not missing:
        return
    # The analyzer proper is not even imported where everything is known already.
    from kimera_leakguard_native.analysis import batch

    jobs = _jobs(options.jobs, len(missing))
    if jobs <= 1:
        yield missing, checker().check(missing, checked)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    chunks = [missing[i : i + _CHUNK] for i in range(0, len(missing), _CHUNK)]
    with ProcessPoolExecutor(
        jobs,
        mp_context=get_context("spawn"),
        initializer=batch.start,
        initargs=(files, options, checker().acquirers),
    ) as pool:
        done = 0
        for chunk, part in zip(chunks, pool.map(batch.check, chunks), strict=True):
            yield chunk, part
            done += len(chunk)
            checked(done)


def _jobs(wanted: int, files: int) -> int:
    if wanted == 0:
        wanted = os.cpu_count() or 1
    return max(1, min(wanted, files // _CHUNK))


def _digests(files: list[str]) -> dict[str, bytes]:
    digests = {}
    for file in files:
        with contextlib.suppress(AnalysisError):
            digests[file] = digest(frontend.read(file))
    return digests


class _Checker:
    """The checker of a run, made when it is first needed: its import alone takes long."""

    def __init__(self, files: list[str], options: Options) -> None:
        self._parts = (files, options)
        self._made: Checker | None = None

    def __call__(self) -> Checker:
        if self._made is None:
            from kimera_leakguard_native.analysis.batch import Checker

            self._made = Checker(*self._parts)
        return self._made


def _shard(
    files: list[str], options: Options, digests: dict[str, bytes], checker: _Checker
) -> Shard:
    from kimera_leakguard_native.analysis.cache import Shard, shard_key
    from kimera_leakguard_native.analysis.symbolic.availability import available

    assert options.cache is not None
    chosen = {
        item.name: getattr(options, item.name)
        for item in fields(options)
        if item.name not in ("jobs", "cache")
    }
    chosen["solver"] = options.symbolic and available()
    return Shard(
        options.cache,
        shard_key(chosen, files),
        digests,
        lambda: checker().acquirers.digests(digests),
    )


def _keep(shard: Shard, digests: dict[str, bytes], chunk: list[str], part: Batch) -> None:
    """Keep the results whose files are still what they were when the run began."""
    moved = {
        file
        for file, seen in part.seen.items()
        if (digests.get(file) or shard.outside(file)) != seen
    }
    for file, report, needs in zip(chunk, part.reports, part.needs, strict=True):
        if file not in part.seen or file in moved or not _repeatable(report):
            continue
        if moved and (needs is None or not moved.isdisjoint(needs)):
            continue
        shard.put(file, report, needs)


def _repeatable(report: ModuleReport) -> bool:
    """Whether the next run would say the same; running out of memory is not the file's doing."""
    internal = any("internal error" in error.message for error in report.errors)
    return report.statistics.files == 1 and not internal


def _add(total: CheckStatistics, part: CheckStatistics) -> None:
    total.files += part.files
    total.lines += part.lines
    total.functions += part.functions
    total.symbolic_queries += part.symbolic_queries
    total.infeasible_paths += part.infeasible_paths
    total.budget_exhausted += part.budget_exhausted
    total.removed_alarms += part.removed_alarms
