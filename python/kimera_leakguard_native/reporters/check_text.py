"""`klg check` for people: a paragraph a finding, with the source along its path and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kimera_leakguard_native.model.finding import CheckResult, Finding, Step

_WIDTH = 120
_TIERS = {
    "N": "never released",
    "E": "explicit early exit",
    "X": "exception only",
    "D": "dangling task",
    "M": "memory retention",
}
_NO_LEAK = {"KLG901": "silences nothing"}
_OPEN_FILES = 8
_BOLD, _RED, _CYAN, _YELLOW = "1", "1;31", "36", "33"


def render(
    result: CheckResult,
    lines_of: Callable[[str], list[str]],
    help_of: Callable[[str], str],
    *,
    statistics: bool = False,
    colour: bool = False,
) -> str:
    """Give the report as text.

    Parameters
    ----------
    lines_of : callable
        Gives the lines of a file; an empty list if it cannot be read any more.
    help_of : callable
        Gives the advice of a rule by code.
    colour : bool
        Whether to mark up with the escape sequences of terminals.
    """
    page = _Page(lines_of, colour=colour)
    parts = ["\n".join(page.paragraph(one, help_of(one.code))) for one in result.findings]
    if result.errors:
        word = page.paint("error:", _RED)
        parts.append("\n".join(f"{error.file}: {word} {error.message}" for error in result.errors))
    if statistics:
        parts.append(_statistics(result))
    parts.append(_summary(result))
    return "\n\n".join(parts) + "\n"


class _Page:
    """Paragraphs of findings; the files that they quote are read once where they follow up."""

    def __init__(self, lines_of: Callable[[str], list[str]], *, colour: bool) -> None:
        self._lines_of = lines_of
        self._colour = colour
        self._files: dict[str, list[str]] = {}

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour else text

    def paragraph(self, finding: Finding, advice: str) -> Iterator[str]:
        where = self.paint(f"{finding.file}:{finding.line}:{finding.column}:", _BOLD)
        code = self.paint(finding.code, _RED)
        yield f"{where} {code} [{finding.tier}] {finding.message}"
        self._width = max(len(str(line)) for line in (finding.line, *_lines_of(finding)))
        shown = finding.line
        if self._has(finding.file, finding.line):
            text, caret = _excerpt(self._line(finding.file, finding.line), finding.column)
            yield self._margin("|")
            yield self._source(finding.line, text)
            what = _NO_LEAK.get(finding.code, _TIERS[finding.tier])
            mark = self.paint(f"^ {what}", _RED)
            yield self._margin(f"| {' ' * caret}{mark}")
        else:
            shown = 0
        file = finding.file
        for step in finding.path:
            if step.file != file:
                file, shown = step.file, 0
                yield self._margin(self.paint(f"--> {file}", _CYAN))
            if self._has(file, step.line):
                yield from self._quoted(step, shown)
                shown = step.line
            else:
                yield self._margin(f"= line {step.line}: {step.note}")
        yield self._margin(f"= {self.paint('help:', _CYAN)} {advice}")
        for fix in finding.fixes:
            if fix.verified:
                word = self.paint("fix:", _CYAN)
                yield self._margin(f"= {word} {fix.title} (verified; --fix does it)")

    def _quoted(self, step: Step, shown: int) -> Iterator[str]:
        line = self._line(step.file, step.line)
        indent = min(len(line) - len(line.lstrip()), _WIDTH // 3)
        if step.line != shown:
            yield self._source(step.line, _excerpt(line, indent + 1)[0])
        yield self._margin(f"| {' ' * indent}{self.paint('- ' + step.note, _YELLOW)}")

    def _source(self, line: int, text: str) -> str:
        return f"{self.paint(f'{line:>{self._width}} |', _CYAN)} {text}".rstrip()

    def _margin(self, text: str) -> str:
        return f"{' ' * self._width} {text}"

    def _has(self, file: str, line: int) -> bool:
        return 0 < line <= len(self._text(file))

    def _line(self, file: str, line: int) -> str:
        return self._text(file)[line - 1]

    def _text(self, file: str) -> list[str]:
        if file not in self._files:
            if len(self._files) >= _OPEN_FILES:
                self._files.clear()
            self._files[file] = self._lines_of(file)
        return self._files[file]


def _lines_of(finding: Finding) -> list[int]:
    return [step.line for step in finding.path]


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
    found, errors, files = len(result.findings), len(result.errors), result.statistics.files
    if not files and not errors:
        return "no Python files under these paths"
    text = f"{_counted(found, 'finding')} in {_counted(files, 'file')}"
    return text + (f", {_counted(errors, 'error')}" if errors else "")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
