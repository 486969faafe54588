"""``number = os.open(path, flags)`` and what uses it goes into try, its release into finally."""

from __future__ import annotations

import ast
from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.extent import last_use, rebinds
from kimera_leakguard_native.analysis.fixes.moved_block import (
    end_of,
    indented,
    lines_of,
    missing_newline,
    without_last_release,
)
from kimera_leakguard_native.analysis.fixes.proposal import Proposal
from kimera_leakguard_native.analysis.fixes.release_text import statement
from kimera_leakguard_native.analysis.fixes.splice import Splice

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.spot import Spot


def propose(spot: Spot) -> Iterator[Proposal]:
    """Give a try statement for each variable that the acquisition is assigned to."""
    for name in assigned_names(spot):
        yield from _around_uses(spot, name)


def assigned_names(spot: Spot) -> list[str]:
    """Give the variables of the assignment: one, or those of a tuple."""
    if not spot.levels:
        return []
    node = spot.levels[0].statement
    if not isinstance(node, ast.Assign) or node.value is not spot.node or len(node.targets) != 1:
        return []
    target = node.targets[0]
    items = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
    return [item.id for item in items if isinstance(item, ast.Name)]


def _around_uses(spot: Spot, name: str) -> Iterator[Proposal]:
    document, level = spot.document, spot.levels[0]
    node, following = level.statement, level.following
    released = statement(spot, name)
    if released is None or not document.stands_alone(node):
        return
    text, needed = released
    prefix = document.indentation(node)
    together = assigned_names(spot)
    count = max(last_use(following, one) for one in together)
    if not count and len(together) == 1:
        start = end_of(document, node)
        line = missing_newline(document, node) + lines_of(document, f"{prefix}{text}")
        yield Proposal(f"release `{name}` at once", (*needed, Splice(start, start, line)))
        return
    direct = max(last_use(following, one, derived=False) for one in together)
    for length in sorted({direct, count} - {0}):
        moved = following[:length]
        if any(rebinds(item, name) for item in moved):
            continue
        if document.stands_alone(moved[0], moved[-1]):
            yield _wrapped(spot, name, moved, text, needed)


def _wrapped(
    spot: Spot, name: str, moved: list[ast.stmt], text: str, needed: tuple[Splice, ...]
) -> Proposal:
    document, node = spot.document, spot.levels[0].statement
    prefix = document.indentation(node)
    kept, cuts = without_last_release(spot, moved, name)
    start = end_of(document, node)
    end = cuts[0].end if cuts else end_of(document, kept[-1])
    return Proposal(
        f"release `{name}` in a finally clause",
        (
            *needed,
            Splice(start, start, lines_of(document, f"{prefix}try:")),
            *indented(
                document,
                (node.end_lineno or node.lineno) + 1,
                kept[-1].end_lineno or kept[-1].lineno,
                prefix,
                without=[],
            ),
            *cuts,
            Splice(
                end,
                end,
                missing_newline(document, kept[-1])
                + lines_of(document, f"{prefix}finally:", f"{prefix}{document.unit}{text}"),
            ),
        ),
    )
