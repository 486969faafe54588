"""A conditional acquisition, or several: an ExitStack around all that uses them."""

from __future__ import annotations

import ast
from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes import imports
from kimera_leakguard_native.analysis.fixes.endings import ending
from kimera_leakguard_native.analysis.fixes.extent import last_use
from kimera_leakguard_native.analysis.fixes.moved_block import indented, lines_of
from kimera_leakguard_native.analysis.fixes.proposal import Proposal
from kimera_leakguard_native.analysis.fixes.splice import Splice

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.spot import Level, Spot

_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def propose(spot: Spot) -> Iterator[Proposal]:
    """Give a stack around the statement and its uses, at each level up to the next loop."""
    end = ending(spot.finding.resource, spot.callee)
    if end is None or not (end.entered or end.method == "close"):
        return
    if not isinstance(spot.node, ast.Call) or isinstance(spot.parents[0], ast.Await):
        return
    found = imports.module(spot, "contextlib")
    if found is None:
        return
    alias, needed = found
    yield from _into_existing(spot)
    for level in spot.levels:
        for calls in _together(spot, level):
            yield from _around(spot, level, calls, alias, needed)
        if isinstance(level.owner, _LOOPS):
            return


def _into_existing(spot: Spot) -> Iterator[Proposal]:
    """Use the stack of a with statement around the acquisition."""
    for parent in spot.parents:
        for item in parent.items if isinstance(parent, ast.With) else ():
            stack = item.optional_vars
            made = ast.unparse(item.context_expr).rpartition(".")[2]
            if made == "ExitStack()" and isinstance(stack, ast.Name):
                yield Proposal(
                    f"enter it into `{stack.id}`",
                    tuple(_entering(spot, spot.node, stack.id, "contextlib")),
                )
                return


def _entering(spot: Spot, node: ast.expr | ast.stmt, stack: str, alias: str) -> Iterator[Splice]:
    """Enter one call into a stack."""
    start, end = spot.document.start(node), spot.document.end(node)
    known = ending(spot.finding.resource, spot.callee)
    closing = known is not None and not known.entered
    yield Splice(start, start, f"{stack}.enter_context({f'{alias}.closing(' if closing else ''}")
    yield Splice(end, end, "))" if closing else ")")


def _together(spot: Spot, level: Level) -> Iterator[dict[str, list[ast.Call]]]:
    """Give acquisitions to enter together, by variable: all of one callable, or only this one."""
    found: dict[str, list[ast.Call]] = {}
    only: dict[str, list[ast.Call]] = {}
    assert isinstance(spot.node, ast.Call)
    called = ast.unparse(spot.node.func)
    for item in ast.walk(level.statement):
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            name, value = item.targets[0].id, item.value
        elif isinstance(item, ast.NamedExpr):
            name, value = item.target.id, item.value
        else:
            continue
        if any(part is spot.node for part in ast.walk(value)):
            only[name] = [spot.node]
            found.setdefault(name, []).append(spot.node)
        elif isinstance(value, ast.Call) and ast.unparse(value.func) == called:
            found.setdefault(name, []).append(value)
    if only:
        yield found
        if len(found) > 1:
            yield only


def _around(
    spot: Spot,
    level: Level,
    calls: dict[str, list[ast.Call]],
    alias: str,
    needed: tuple[Splice, ...],
) -> Iterator[Proposal]:
    document, node = spot.document, level.statement
    if document.source(node).startswith("elif"):
        return
    stack = spot.fresh("stack", "exit_stack")
    prefix = document.indentation(node)
    first = document.line_start(node.lineno)
    lengths = {
        max(last_use(level.following, name, derived=way) for name in calls) for way in (False, True)
    }
    for count in sorted(lengths):
        last = level.following[count - 1] if count else node
        if not document.stands_alone(node, last):
            continue
        yield Proposal(
            "enter it into an ExitStack",
            (
                *needed,
                Splice(
                    first,
                    first,
                    lines_of(document, f"{prefix}with {alias}.ExitStack() as {stack}:"),
                ),
                *indented(
                    document, node.lineno, last.end_lineno or last.lineno, prefix, without=[]
                ),
                *(
                    splice
                    for several in calls.values()
                    for call in several
                    for splice in _entering(spot, call, stack, alias)
                ),
            ),
        )
