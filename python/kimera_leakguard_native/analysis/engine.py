"""A whole run: files in, findings out."""

from __future__ import annotations

import time
from collections.abc import Iterable  # noqa: TC003 - part of the public signature
from dataclasses import dataclass

from kimera_leakguard_native.analysis import frontend, suppressions
from kimera_leakguard_native.analysis.discovery import discover
from kimera_leakguard_native.analysis.module_check import ModuleCheck, ModuleReport
from kimera_leakguard_native.analysis.project import Project
from kimera_leakguard_native.analysis.rules.registry import selected
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.finding import (
    TIERS,
    CheckResult,
    CheckStatistics,
    FileError,
    Finding,
)

_CHUNK = 16


@dataclass(frozen=True, slots=True)
class Options:
    """What a run reports and how it works.

    Attributes
    ----------
    select : tuple of str
        Codes or prefixes of rules; empty means all.
    tiers : tuple of str
        Tiers to report in full. Empty means the default: N, E, D, and X where a call in between is
        known to raise.
    jobs : int
        Processes; 0 means one a core. The output does not depend on it.
    symbolic : bool
        Whether the solver decides which paths are feasible.
    """

    select: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    jobs: int = 1
    symbolic: bool = True

    def reports(self, tier: str, *, evident: bool) -> bool:
        """Whether findings of a tier are wanted."""
        if self.tiers:
            return tier in self.tiers
        return tier in ("N", "E", "D") or (tier == "X" and evident)


def check(paths: list[str] | tuple[str, ...], options: Options | None = None) -> CheckResult:
    """Check files and the Python files below directories.

    Never raises for what it reads: a file that cannot be analysed is an entry in the errors.
    """
    options = options or Options()
    start = time.perf_counter()
    found = discover(paths)
    result = check_files(found.files, options)
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


def check_files(files: list[str], options: Options) -> CheckResult:
    """Check files that are known to exist, in one or several processes."""
    jobs = _jobs(options.jobs, len(files))
    if jobs > 1:
        reports = _in_processes(files, options, jobs)
    else:
        reports = _check_chunk(files, files, options)
    result = CheckResult()
    for report in reports:
        result.findings.extend(report.findings)
        result.errors.extend(report.errors)
        _add(result.statistics, report.statistics)
    result.findings.sort(key=lambda finding: finding.sort_key)
    result.errors.sort(key=lambda error: (error.file, error.message))
    return result


def _check_chunk(files: list[str], everything: list[str], options: Options) -> list[ModuleReport]:
    project = Project(everything)
    codes = selected(options.select)
    return [_check_one(project, file, options, codes) for file in files]


def _check_one(
    project: Project, file: str, options: Options, codes: frozenset[str]
) -> ModuleReport:
    report = ModuleReport()
    try:
        data = frontend.read(file)
        source = frontend.parse(file, data)
    except AnalysisError as error:
        report.errors.append(FileError(file, str(error)))
        return report
    report.statistics.files = 1
    try:
        ModuleCheck(project, source, options, codes, report).run()
    except RecursionError:
        report.errors.append(FileError(file, "nested too deeply to be analysed"))
    except Exception as error:  # noqa: BLE001 - one file must not end the run
        report.errors.append(FileError(file, f"internal error: {type(error).__name__}: {error}"))
    _silence(report, source, options, codes)
    return report


def _silence(
    report: ModuleReport, source: frontend.Source, options: Options, codes: frozenset[str]
) -> None:
    comments = suppressions.read(source.data)
    if not comments:
        return
    kept, unused = suppressions.apply(report.findings, comments, source.path)
    # A comment may be there for a finding of a tier or a rule that this run did not look for.
    complete = set(TIERS) <= set(options.tiers) and codes == selected(())
    report.findings = kept + (unused if complete else [])


def _jobs(wanted: int, files: int) -> int:
    if wanted == 0:
        import os

        wanted = os.cpu_count() or 1
    return max(1, min(wanted, files // _CHUNK))


def _in_processes(files: list[str], options: Options, jobs: int) -> list[ModuleReport]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    chunks = [files[i : i + _CHUNK] for i in range(0, len(files), _CHUNK)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        parts = pool.map(_check_chunk, chunks, [files] * len(chunks), [options] * len(chunks))
        return [report for part in parts for report in part]


def _add(total: CheckStatistics, part: CheckStatistics) -> None:
    total.files += part.files
    total.lines += part.lines
    total.functions += part.functions
    total.symbolic_queries += part.symbolic_queries
    total.infeasible_paths += part.infeasible_paths
    total.budget_exhausted += part.budget_exhausted
