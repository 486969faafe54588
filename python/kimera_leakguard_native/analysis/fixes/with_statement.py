"""``file = open(path)`` and what uses it becomes ``with open(path) as file:``."""

from __future__ import annotations

import ast
from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.endings import ending
from kimera_leakguard_native.analysis.fixes.extent import extents, mentions_any, rebinds
from kimera_leakguard_native.analysis.fixes.moved_block import (
    indented,
    lines_of,
    without_last_release,
)
from kimera_leakguard_native.analysis.fixes.proposal import Proposal
from kimera_leakguard_native.analysis.fixes.release_text import manager
from kimera_leakguard_native.analysis.fixes.splice import Splice

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.spot import Level, Spot

_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def propose(spot: Spot) -> Iterator[Proposal]:
    """Give the ways of entering the resource in a with statement."""
    yield from _at_assignment(spot)
    yield from _after_try(spot)


def assigned_name(spot: Spot) -> str | None:
    """Give the variable that the statement assigns the acquired resource to."""
    if not spot.levels:
        return None
    node = spot.levels[0].statement
    if (
        isinstance(node, ast.Assign)
        and node.value is spot.node
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
    ):
        return node.targets[0].id
    return None


def _at_assignment(spot: Spot) -> Iterator[Proposal]:
    name = assigned_name(spot)
    if name is None:
        return
    document, level = spot.document, spot.levels[0]
    node, following = level.statement, level.following
    entered = manager(spot)
    if entered is None or not document.stands_alone(node):
        return
    target = node.targets[0]  # type: ignore[attr-defined]
    equals = document.text.index("=", document.end(target)) + 1
    while document.text[equals] in " \t":
        equals += 1
    end = document.end(node)
    for count in extents(following, name):
        moved = following[:count]
        if not document.stands_alone(moved[0], moved[-1]):
            continue
        kept, cuts = without_last_release(spot, moved, name)
        last = kept[-1].end_lineno or kept[-1].lineno
        yield Proposal(
            f"open `{name}` in a with statement",
            (
                *entered.imports,
                Splice(document.start(node), equals, f"with {entered.before}"),
                Splice(end, end, f"{entered.after} as {name}:"),
                *indented(
                    document,
                    (node.end_lineno or node.lineno) + 1,
                    last,
                    document.indentation(node),
                    without=[],
                ),
                *cuts,
            ),
        )


def _after_try(spot: Spot) -> Iterator[Proposal]:
    """Enter the resource after the try statement that guards its acquisition."""
    name = assigned_name(spot)
    end = ending(spot.finding.resource, spot.callee)
    if name is None or end is None or not end.entered or len(spot.levels) < 2:
        return
    document, level = spot.document, spot.levels[1]
    node = level.statement
    if not isinstance(node, ast.Try) or node.finalbody or spot.levels[0].block is not node.body:
        return
    if _binds_between(spot, level, name) or not document.stands_alone(node):
        return
    if node.orelse and mentions_any(node.orelse, name):
        if not mentions_any(level.following, name):
            for count in extents(node.orelse, name):
                yield from _entered(spot, name, node.orelse[:count])
        return
    if not all(isinstance(handler.body[-1], _LEAVING) for handler in node.handlers):
        return
    for count in extents(level.following, name):
        yield from _entered(spot, name, level.following[:count])


def _entered(spot: Spot, name: str, moved: list[ast.stmt]) -> Iterator[Proposal]:
    """Enter a variable in front of statements that use it."""
    document = spot.document
    if not document.stands_alone(moved[0], moved[-1]):
        return
    kept, cuts = without_last_release(spot, moved, name)
    prefix = document.indentation(moved[0])
    start = document.line_start(moved[0].lineno)
    yield Proposal(
        f"enter `{name}` in a with statement where it is used",
        (
            Splice(start, start, lines_of(document, f"{prefix}with {name}:")),
            *indented(
                document,
                moved[0].lineno,
                kept[-1].end_lineno or kept[-1].lineno,
                prefix,
                without=[],
            ),
            *cuts,
        ),
    )


def _binds_between(spot: Spot, level: Level, name: str) -> bool:
    """Whether anything of the try statement but the acquisition binds the variable."""
    assignment = spot.levels[0].statement
    node = level.statement
    others = [item for item in ast.walk(node) if isinstance(item, ast.stmt)]
    return any(
        isinstance(item, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.With, ast.Delete))
        and item is not assignment
        and rebinds(item, name)
        for item in others
    )
