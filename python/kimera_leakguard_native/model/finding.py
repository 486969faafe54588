"""What static analysis reports: findings, their witness paths and their fixes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

TIERS = ("N", "E", "X", "D", "M")
"""N normal path, E explicit early exit, X exception only, D dangling task, M memory retention."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a witness path, 1-based."""

    file: str
    line: int
    note: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement of the text between two (line, column) positions, both 1-based."""

    file: str
    start: tuple[int, int]
    end: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that ends the leak.

    Attributes
    ----------
    verified : bool
        Whether the edited file parses, and re-analysis finds the leak gone and nothing new.
        A suggestion without edits is text only and never verified.
    """

    title: str
    verified: bool = False
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A leak that analysis claims, at the statement that acquires or retains.

    Attributes
    ----------
    code, rule : str
        For example ``KLG101`` and ``unreleased-file``.
    line, end_line, column : int
        The acquiring statement, 1-based.
    tier : str
        One of `TIERS`.
    confidence : float
        In [0, 1].
    detection_result : str
        A value of `LeakDetectionResult`.
    resource : str
        The kind of the resource, for example ``file``.
    path : tuple of Step
        From the acquisition over each branch decision to the exit that leaks.
    """

    code: str
    rule: str
    message: str
    file: str
    line: int
    end_line: int
    column: int
    tier: str
    confidence: float
    detection_result: str
    resource: str
    path: tuple[Step, ...] = ()
    fixes: tuple[Fix, ...] = ()

    @property
    def sort_key(self) -> tuple[str, int, str, int]:
        """Order of findings in every report."""
        return (self.file, self.line, self.code, self.column)

    def to_dict(self) -> dict[str, Any]:
        """Give the finding as the JSON report has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FileError:
    """A file that could not be read, parsed or analysed, and why."""

    file: str
    message: str


@dataclass(slots=True)
class CheckStatistics:
    """What a run of the analyzer did; nothing that was cut short is hidden.

    Attributes
    ----------
    removed_alarms : int
        Alarms that the symbolic stage withdrew: no values take any path to their exit.
    cached_files : int
        Files whose result came from an earlier run; the other numbers count them as if it were new.
    """

    files: int = 0
    lines: int = 0
    functions: int = 0
    symbolic_queries: int = 0
    infeasible_paths: int = 0
    budget_exhausted: int = 0
    seconds: float = 0.0
    removed_alarms: int = 0
    cached_files: int = 0


@dataclass(slots=True)
class CheckResult:
    """Findings sorted by file, line and code, with the errors and the statistics of the run."""

    findings: list[Finding] = field(default_factory=list)
    errors: list[FileError] = field(default_factory=list)
    statistics: CheckStatistics = field(default_factory=CheckStatistics)
