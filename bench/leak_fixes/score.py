"""What counts as a hit, and what as silence after the fix."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from corpora.klg import Alarm
    from leak_fixes.rows import Row

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

WINDOW = 2
"""Lines that a report may lie off the label."""

DEFAULT_TIERS = frozenset("NED")
"""Tiers that must show without ``--all``."""

_FAMILIES = (
    ("native.", "135"),
    ("torch.hook", "1234"),
    ("torch.", "23"),
    ("cache.", "2"),
    ("view_", "2"),
    ("refcycle.", "24"),
    ("weakref.", "24"),
    ("asyncio.", "4"),
)


@dataclass(slots=True)
class Outcome:
    """How one tool did on one row.

    Attributes
    ----------
    hit : bool
        A report of the row's kind within `WINDOW` lines of the label, before the fix.
    same_tier : bool
        Whether that report has the row's tier too (ours only; a peer's reports have none).
    silent_after : bool or None
        No such report on the same statement after the fix; None where the fixed file is not to
        be had.
    """

    hit: bool
    same_tier: bool = False
    silent_after: bool | None = None


@dataclass(slots=True)
class Scored:
    """One row with the outcome of every tool, or why it could not be scored."""

    row: Row
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    unavailable: str = ""
    notes: list[str] = field(default_factory=list)


def families(row: Row) -> frozenset[str]:
    """Give the first digits of the rule codes that report a row's kind."""
    for prefix, digits in _FAMILIES:
        if row.kind.startswith(prefix):
            return frozenset(digits)
    return frozenset({"D": "4", "M": "24"}.get(row.tier, "15"))


def of_kind(row: Row, alarms: Iterable[Alarm]) -> list[Alarm]:
    """Keep our own findings that are of a row's kind."""
    wanted = families(row)
    return [a for a in alarms if a.code.removeprefix("KLG")[:1] in wanted]


def near(alarms: Iterable[Alarm], lines: Sequence[int]) -> list[Alarm]:
    """Keep the reports that lie within `WINDOW` lines of a label."""
    return [a for a in alarms if any(abs(a.line - line) <= WINDOW for line in lines)]


def counterpart(before: Sequence[str], after: Sequence[str], lines: Sequence[int]) -> set[int]:
    """Name the lines of the fixed file that stand where the labelled ones stood.

    Unchanged lines map to themselves, rewritten ones to all that replaced them, deleted ones to
    nothing. All are 1-based.
    """
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    mapped: set[int] = set()
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        for line in lines:
            if i1 < line <= i2:
                mapped |= {line - i1 + j1} if tag == "equal" else set(range(j1 + 1, j2 + 1))
    return mapped


def same_function(before: Sequence[str], after: Sequence[str], lines: Sequence[int]) -> bool:
    """Tell whether the functions that hold the labels are the same in both files.

    A leak that one function shows cannot have been fixed then: the earlier release holds the fix
    already, or the later one does not hold it yet.
    """
    try:
        old, new = (ast.parse("\n".join(text)) for text in (before, after))
    except (SyntaxError, ValueError):
        return False
    holding = [_innermost(old, line) for line in lines]
    if None in holding:
        return False
    kept = {ast.dump(node) for node in ast.walk(new) if isinstance(node, _FUNCTIONS)}
    return all(ast.dump(node) in kept for node in holding if node is not None)


def _innermost(tree: ast.Module, line: int) -> ast.AST | None:
    holding = [
        node
        for node in ast.walk(tree)
        if isinstance(node, _FUNCTIONS) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(holding, key=lambda node: node.lineno, default=None)


def outcome(
    row: Row,
    alarms: Sequence[Alarm],
    lines: Sequence[int],
    after: Sequence[Alarm] | None,
    mapped: set[int],
) -> Outcome:
    """Score one tool on one row.

    Parameters
    ----------
    alarms, after : sequence of Alarm
        Reports of the row's kind in the file before and after the fix; None if not to be had.
    mapped : set of int
        See `counterpart`.
    """
    close = near(alarms, lines)
    return Outcome(
        hit=bool(close),
        same_tier=any(a.tier == row.tier for a in close),
        silent_after=None if after is None else not any(a.line in mapped for a in after),
    )


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many."""

    part: int
    whole: int

    def __str__(self) -> str:
        """Show both numbers, and the percentage where there is one."""
        if not self.whole:
            return "-"
        return f"{self.part}/{self.whole} ({100 * self.part / self.whole:.0f} %)"


def recall(scored: Iterable[Scored], tool: str) -> Share:
    """Count the hits of a tool among the rows it was run on."""
    outcomes = [s.outcomes[tool] for s in scored if tool in s.outcomes]
    return Share(sum(o.hit for o in outcomes), len(outcomes))


def silence(scored: Iterable[Scored], tool: str) -> Share:
    """Count the rows that a tool hit before and is silent on after."""
    outcomes = [s.outcomes[tool] for s in scored if tool in s.outcomes]
    judged = [o for o in outcomes if o.hit and o.silent_after is not None]
    return Share(sum(bool(o.silent_after) for o in judged), len(judged))


def groups(scored: Sequence[Scored]) -> Mapping[str, list[Scored]]:
    """Split rows by tier, and those that need a callee or the class apart from the rest."""
    kept = [s for s in scored if s.outcomes]
    split: dict[str, list[Scored]] = {}
    for tier in ("N", "E", "D", "X", "M"):
        split[f"{tier}, default" if tier in DEFAULT_TIERS else f"{tier}, --all"] = [
            s for s in kept if s.row.tier == tier
        ]
    split["one function shows it"] = [s for s in kept if s.row.local]
    split["needs a callee or the class"] = [s for s in kept if not s.row.local]
    split["all"] = kept
    return split
