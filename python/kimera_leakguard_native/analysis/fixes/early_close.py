"""A resource that goes to an owner in the end: released on the ways that do not get there."""

from __future__ import annotations

import ast
from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.extent import last_use, mentions, rebinds
from kimera_leakguard_native.analysis.fixes.moved_block import (
    end_of,
    indented,
    lines_of,
    missing_newline,
)
from kimera_leakguard_native.analysis.fixes.proposal import Proposal
from kimera_leakguard_native.analysis.fixes.release_text import statement
from kimera_leakguard_native.analysis.fixes.splice import Splice
from kimera_leakguard_native.analysis.fixes.try_finally import assigned_names

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.spot import Spot

_EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def before_exits(spot: Spot) -> Iterator[Proposal]:
    """Release in front of the exit that leaks, then in front of every exit that may."""
    for name in assigned_names(spot):
        released = statement(spot, name)
        if released is None:
            continue
        text, needed = released
        exits = _exits(spot, name)
        last = spot.finding.path[-1].line if spot.finding.path else 0
        exact = [item for item in exits if item.lineno <= last <= (item.end_lineno or last)]
        for chosen in (exact, exits):
            if not chosen or (chosen is exits and exits == exact):
                continue
            splices = []
            for item in chosen:
                start = spot.document.line_start(item.lineno)
                prefix = spot.document.indentation(item)
                splices.append(Splice(start, start, lines_of(spot.document, f"{prefix}{text}")))
            many = "s" if len(chosen) > 1 else ""
            yield Proposal(f"release `{name}` before the exit{many}", (*needed, *splices))


def _exits(spot: Spot, name: str) -> list[ast.stmt]:
    """Give the exits behind the acquisition, in its block, that do not use the resource."""
    found: list[ast.stmt] = []
    following = spot.levels[0].following
    if any(rebinds(item, name) for item in following):
        return []
    stack: list[tuple[ast.AST, bool]] = [(item, False) for item in reversed(following)]
    while stack:
        node, in_loop = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, _EXITS):
            stays = in_loop and isinstance(node, (ast.Continue, ast.Break))
            if not stays and spot.document.stands_alone(node) and not mentions(node, [name]):
                found.append(node)
            continue
        in_loop = in_loop or isinstance(node, (ast.For, ast.AsyncFor, ast.While))
        stack += [(child, in_loop) for child in reversed(list(ast.iter_child_nodes(node)))]
    return found


def on_error(spot: Spot) -> Iterator[Proposal]:
    """Release in an except clause before the exception goes on."""
    for name in assigned_names(spot):
        yield from _guarded(spot, name)


def _guarded(spot: Spot, name: str) -> Iterator[Proposal]:
    document, level = spot.document, spot.levels[0]
    node, following = level.statement, level.following
    released = statement(spot, name)
    if released is None or not document.stands_alone(node):
        return
    text, needed = released
    for count in _counts(following, name):
        moved = following[:count]
        if any(rebinds(item, name) for item in moved):
            continue
        if not document.stands_alone(moved[0], moved[-1]):
            continue
        inside = [item for item in _exits(spot, name) if item.lineno <= moved[-1].lineno]
        for exits in ([], inside) if inside else ([],):
            yield _caught(spot, name, moved, exits, text, needed)


def _caught(
    spot: Spot,
    name: str,
    moved: list[ast.stmt],
    exits: list[ast.stmt],
    text: str,
    needed: tuple[Splice, ...],
) -> Proposal:
    """Put statements into a try statement, and a release in front of the exits among them."""
    document, node = spot.document, spot.levels[0].statement
    prefix, unit = document.indentation(node), document.unit
    start, end = end_of(document, node), end_of(document, moved[-1])
    return Proposal(
        f"release `{name}` before an exception goes on{' and before the exits' if exits else ''}",
        (
            *needed,
            Splice(start, start, lines_of(document, f"{prefix}try:")),
            *(
                Splice(
                    place, place, lines_of(document, f"{document.indentation(item)}{unit}{text}")
                )
                for item in exits
                if (place := document.line_start(item.lineno))
            ),
            *indented(
                document,
                (node.end_lineno or node.lineno) + 1,
                moved[-1].end_lineno or moved[-1].lineno,
                prefix,
                without=[],
            ),
            Splice(
                end,
                end,
                missing_newline(document, moved[-1])
                + lines_of(
                    document,
                    f"{prefix}except BaseException:",
                    f"{prefix}{unit}{text}",
                    f"{prefix}{unit}raise",
                ),
            ),
        ),
    )


def _counts(following: list[ast.stmt], name: str) -> Iterator[int]:
    """Give numbers of statements to guard: up to the hand-over, more or less."""
    used = last_use(following, name)
    if not used:
        return
    seen = set()
    for count in (used - 1, used, _before_mention_in_store(following, name)):
        if count > 0 and count not in seen:
            seen.add(count)
            yield count


def _before_mention_in_store(following: list[ast.stmt], name: str) -> int:
    """Count the statements in front of the first one that may hand the resource on."""
    for index, item in enumerate(following):
        for node in ast.walk(item):
            value = None
            if isinstance(node, (ast.Return, ast.Assign, ast.Yield)):
                value = node.value
            if value is not None and any(
                isinstance(one, ast.Name) and one.id == name for one in _bare(value)
            ):
                return index
    return 0


def _bare(value: ast.expr) -> Iterator[ast.expr]:
    yield value
    if isinstance(value, (ast.Tuple, ast.List)):
        yield from value.elts
    elif isinstance(value, ast.Call):
        yield from value.args
        yield from (item.value for item in value.keywords)
