"""`klg check` for people: one paragraph a finding, with the line, the path and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kimera_leakguard_native.model.finding import CheckResult, Finding

_WIDTH = 120
_TIERS = {
    "N": "never released",
    "E": "explicit early exit",
    "X": "exception only",
    "D": "dangling task",
    "M": "memory retention",
}


def render(
    result: CheckResult,
    lines_of: Callable[[str], list[str]],
    help_of: Callable[[str], str],
    *,
    statistics: bool = False,
) -> str:
    """Give the report as plain text.

    Parameters
    ----------
    lines_of : callable
        Gives the lines of a file; an empty list if it cannot be read any more.
    help_of : callable
        Gives the advice of a rule by code.
    """
    parts: list[str] = []
    cache: dict[str, list[str]] = {}
    for finding in result.findings:
        if finding.file not in cache:
            cache.clear()
            cache[finding.file] = lines_of(finding.file)
        parts.append("\n".join(_paragraph(finding, cache[finding.file], help_of(finding.code))))
    if result.errors:
        parts.append("\n".join(f"{error.file}: error: {error.message}" for error in result.errors))
    if statistics:
        parts.append(_statistics(result))
    parts.append(_summary(result))
    return "\n\n".join(parts) + "\n"


def _paragraph(finding: Finding, lines: list[str], advice: str) -> Iterator[str]:
    where = f"{finding.file}:{finding.line}:{finding.column}"
    yield f"{where}: {finding.code} [{finding.tier}] {finding.message}"
    number = str(finding.line)
    margin = " " * len(number)
    if finding.line <= len(lines):
        text, caret = _excerpt(lines[finding.line - 1], finding.column)
        yield f"{margin} |"
        yield f"{number} | {text}"
        yield f"{margin} | {' ' * caret}^ {_TIERS[finding.tier]}"
    for step in finding.path:
        yield f"{margin} = line {step.line}: {step.note}"
    yield f"{margin} = help: {advice}"


def _excerpt(line: str, column: int) -> tuple[str, int]:
    """Cut a long line around the column; tabs become single blanks so that the caret fits."""
    text = "".join(char if char.isprintable() else " " for char in line)
    caret = min(column - 1, len(text))
    if len(text) <= _WIDTH:
        return text, caret
    start = max(0, caret - _WIDTH // 3)
    piece = text[start : start + _WIDTH]
    before, after = "…" if start else "", "…" if start + _WIDTH < len(text) else ""
    return before + piece + after, caret - start + len(before)


def _statistics(result: CheckResult) -> str:
    numbers = result.statistics
    rate = f", {numbers.lines / numbers.seconds:,.0f} lines/s" if numbers.seconds else ""
    work = (
        f"symbolic queries {numbers.symbolic_queries}, "
        f"infeasible paths {numbers.infeasible_paths}, "
        f"alarms removed {numbers.removed_alarms}, "
        f"budgets exhausted {numbers.budget_exhausted}"
    )
    size = (
        f"files {numbers.files} ({numbers.cached_files} from the cache), "
        f"lines {numbers.lines}, functions {numbers.functions}"
    )
    return "\n".join((size, work, f"{numbers.seconds:.2f} s{rate}"))


def _summary(result: CheckResult) -> str:
    found, errors = len(result.findings), len(result.errors)
    text = f"{found} finding{'s' * (found != 1)} in {result.statistics.files} files"
    return text + (f", {errors} error{'s' * (errors != 1)}" if errors else "")
