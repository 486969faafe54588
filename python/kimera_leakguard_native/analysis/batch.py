"""Files that one process checks one after the other, over one view of the project."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend, suppressions
from kimera_leakguard_native.analysis.dependencies import Dependencies
from kimera_leakguard_native.analysis.module_check import ModuleCheck, ModuleReport
from kimera_leakguard_native.analysis.project import Project
from kimera_leakguard_native.analysis.rules.registry import selected
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.finding import TIERS, FileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.analysis.acquirers import Acquirers
    from kimera_leakguard_native.analysis.options import Options


@dataclass(slots=True)
class Batch:
    """What checking some files gave.

    Attributes
    ----------
    reports : list of ModuleReport
        In the order of the files.
    needs : list of (tuple of str, or None)
        The other files that each report rests on; None stands for all of the run.
    seen : dict of str to bytes
        Digests of what the files held when they were read.
    """

    reports: list[ModuleReport] = field(default_factory=list)
    needs: list[tuple[str, ...] | None] = field(default_factory=list)
    seen: dict[str, bytes] = field(default_factory=dict)


class Checker:
    """Checks files of one run; what it learns about their callees serves the next files too.

    Parameters
    ----------
    files : list of str
        All files of the run.
    acquirers : Acquirers, optional
        What another process has found out about these files.
    """

    def __init__(
        self, files: list[str], options: Options, acquirers: Acquirers | None = None
    ) -> None:
        self._files = files
        self._dependencies = Dependencies()
        self._project = Project(files, self._dependencies, acquirers, options.models)
        self._options = options
        self._codes = selected(options.select)

    @property
    def acquirers(self) -> Acquirers:
        """What the functions of these files acquire for their callers."""
        return self._project.acquirers

    def check(self, files: list[str], checked: Callable[[int], object] | None = None) -> Batch:
        """Check some of the files.

        Parameters
        ----------
        checked : callable, optional
            Told after each file how many are done.
        """
        batch = Batch()
        for number, file in enumerate(files, 1):
            self._dependencies.begin(file)
            batch.reports.append(self._one(file))
            batch.needs.append(self._dependencies.end())
            if checked is not None:
                checked(number)
        seen = self._dependencies.seen
        used = {*files, *(other for needs in batch.needs for other in needs or ())}
        batch.seen = {file: seen[file] for file in sorted(used & seen.keys())}
        return batch

    def check_version(self, file: str, data: bytes) -> ModuleReport:
        """Check a file as if it held other bytes than it does."""
        return self._one(file, data)

    def _one(self, file: str, data: bytes | None = None) -> ModuleReport:
        report = ModuleReport()
        try:
            if data is None:
                data = frontend.read(file)
            self._dependencies.saw(file, data)
            source = self._project.parsed(file, data)
        except AnalysisError as error:
            report.errors.append(FileError(file, str(error)))
            return report
        report.statistics.files = 1
        try:
            ModuleCheck(self._project, source, self._options, self._codes, report).run()
        except RecursionError:
            report.errors.append(FileError(file, "nested too deeply to be analysed"))
        except Exception as error:  # noqa: BLE001 - one file must not end the run
            report.errors.append(
                FileError(file, f"internal error: {type(error).__name__}: {error}")
            )
        self._silence(report, source)
        if self._options.fixes and report.findings:
            self._offer_fixes(report, source)
        return report

    def _offer_fixes(self, report: ModuleReport, source: frontend.Source) -> None:
        from kimera_leakguard_native.analysis.fixes.offering import offered

        # Changed versions of the module go into a project that nobody else sees; what is known of
        # all files serves it too.
        project = Project(
            self._files, self._dependencies, self._project.acquirers, self._options.models
        )
        project.text_index = self._project.text_index
        project.elsewhere = self._project.elsewhere
        try:
            exhausted = report.statistics.budget_exhausted
            report.findings = offered(report.findings, source, project, self._options, exhausted)
        except Exception as error:  # noqa: BLE001 - the findings stand without a fix
            message = f"internal error in a fix: {type(error).__name__}: {error}"
            report.errors.append(FileError(source.path, message))

    def _silence(self, report: ModuleReport, source: frontend.Source) -> None:
        comments = suppressions.read(source.data)
        if not comments:
            return
        kept, unused = suppressions.apply(report.findings, comments, source.path)
        # A comment may be there for a finding of a tier or a rule that this run did not look for.
        complete = set(TIERS) <= set(self._options.tiers) and self._codes == selected(())
        report.findings = kept + (unused if complete else [])


_checker: Checker | None = None


def start(files: list[str], options: Options, acquirers: Acquirers) -> None:
    """Prepare a worker process; its files come with `check`."""
    global _checker  # noqa: PLW0603 - a worker process has one run
    from kimera_leakguard_native.analysis import collection

    collection.relax()
    _checker = Checker(files, options, acquirers)


def check(files: list[str]) -> Batch:
    """Check some files in a worker process."""
    assert _checker is not None, "the pool has prepared this process"
    return _checker.check(files)
