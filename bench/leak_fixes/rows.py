"""The table of leak fixes that the score is computed on."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TIERS = ("N", "E", "X", "D", "M")


class BadTable(Exception):
    """A table that lacks a column, or a cell that cannot be read."""


@dataclass(frozen=True, slots=True)
class Row:
    """One leak and the change that fixed it; README.md documents the columns.

    Attributes
    ----------
    lines : tuple of int
        Where the acquiring or retaining statement is, in the file that `package` at `before`
        holds, or in the parent commit where there is no package.
    local : bool
        Whether the function alone shows the leak; else a callee or the class must be seen.
    """

    repo: str
    fix_commit: str
    parent_commit: str
    file: str
    lines: tuple[int, ...]
    parent_lines: tuple[int, ...]
    kind: str
    local: bool
    tier: str
    package: str
    before: str
    after: str
    reportable: bool

    @property
    def name(self) -> str:
        """A short name for reports."""
        return f"{self.repo.rpartition('/')[2]} {self.file}:{','.join(map(str, self.lines))}"


def read(table: Path, *, all_rows: bool = False) -> list[Row]:
    """Read the table; only the rows that a good analyzer could report, unless all are wanted."""
    with table.open(encoding="utf-8", newline="") as stream:
        rows = []
        for number, cells in enumerate(csv.DictReader(stream, delimiter="\t"), start=2):
            try:
                rows.append(_row(cells))
            except (KeyError, ValueError) as error:
                message = f"{table}:{number}: {type(error).__name__}: {error}"
                raise BadTable(message) from None
    return [row for row in rows if row.reportable or all_rows]


def _row(cells: dict[str, str]) -> Row:
    parent = _lines(cells["line_of_leak_in_parent"])
    tier = cells["tier"]
    if tier not in TIERS:
        message = f"tier {tier!r} is none of {', '.join(TIERS)}"
        raise ValueError(message)
    return Row(
        repo=cells["repo"],
        fix_commit=cells["fix_commit"],
        parent_commit=cells["parent_commit"],
        file=cells["file"],
        lines=_lines(cells["line_in_version_before"]) or parent,
        parent_lines=parent,
        kind=cells["kind"],
        local=cells["detectable_intraprocedurally"] == "y",
        tier=tier,
        package=cells["pypi_pkg"],
        before=cells["pypi_version_before"],
        after=cells["pypi_version_after"],
        reportable=cells["reportable"] == "y",
    )


def _lines(cell: str) -> tuple[int, ...]:
    return tuple(int(part) for part in cell.split(",") if part.strip())
