"""A resource that an instance holds: released by the class's own method, or before the next one."""

from __future__ import annotations

import ast
from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.endings import ending
from kimera_leakguard_native.analysis.fixes.moved_block import (
    end_of,
    indented,
    lines_of,
    missing_newline,
)
from kimera_leakguard_native.analysis.fixes.proposal import Proposal
from kimera_leakguard_native.analysis.fixes.splice import Splice

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.spot import FunctionNode, Spot

_LEAVING = (ast.Return, ast.Raise)


def propose(spot: Spot) -> Iterator[Proposal]:
    """Give the edits for ``self.attribute = acquire()``."""
    owner = next((node for node in spot.parents if isinstance(node, ast.ClassDef)), None)
    end = ending(spot.finding.resource, spot.callee)
    if owner is None or end is None or spot.function is None or not spot.levels:
        return
    node = spot.levels[0].statement
    target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
    if (
        not isinstance(target, ast.Attribute)
        or not isinstance(target.value, ast.Name)
        or target.value.id != _first(spot.function)
    ):
        return
    methods = [item for item in owner.body if isinstance(item, ast.FunctionDef)]
    if not _is_set_from_the_start(methods, target.attr):
        return
    guarded = _may_be_none(methods, target.attr)
    last = spot.finding.path[-1].line if spot.finding.path else 0
    for method in methods:
        inside = method.lineno <= last <= (method.end_lineno or last)
        if inside and method is not spot.function:
            yield from _in_method(spot, method, target.attr, end.method, guarded=guarded)
    if spot.function.name != "__init__":
        yield from _before(spot, node, target, end.method, guarded=guarded)


def _first(function: FunctionNode) -> str | None:
    arguments = [*function.args.posonlyargs, *function.args.args]
    return arguments[0].arg if arguments else None


def _assigned(method: ast.FunctionDef, attribute: str) -> Iterator[tuple[ast.Assign, ast.expr]]:
    for item in ast.walk(method):
        if isinstance(item, ast.Assign):
            for target in item.targets:
                if (
                    isinstance(target, ast.Attribute)
                    and target.attr == attribute
                    and isinstance(target.value, ast.Name)
                    and target.value.id == _first(method)
                ):
                    yield item, item.value


def _is_set_from_the_start(methods: list[ast.FunctionDef], attribute: str) -> bool:
    """Whether the constructor assigns the attribute on its main path."""
    return any(
        statement in method.body
        for method in methods
        if method.name == "__init__"
        for statement, _ in _assigned(method, attribute)
    )


def _may_be_none(methods: list[ast.FunctionDef], attribute: str) -> bool:
    return any(
        not isinstance(value, ast.Call)
        for method in methods
        for _, value in _assigned(method, attribute)
    )


def _lines(spot: Spot, prefix: str, place: str, method: str, *, guarded: bool) -> str:
    document = spot.document
    if not guarded:
        return lines_of(document, f"{prefix}{place}.{method}()")
    return lines_of(
        document,
        f"{prefix}if {place} is not None:",
        f"{prefix}{document.unit}{place}.{method}()",
    )


def _in_method(
    spot: Spot, method: ast.FunctionDef, attribute: str, release: str, *, guarded: bool
) -> Iterator[Proposal]:
    document, body = spot.document, method.body
    place = f"{_first(method)}.{attribute}"
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:] or body
    first, last = body[0], body[-1]
    if not document.stands_alone(first, last) or first.lineno == method.lineno:
        return
    prefix, end = document.indentation(first), end_of(document, last)
    title = f"release `{place}` in {method.name}()"
    newline = missing_newline(document, last)
    if not isinstance(last, _LEAVING):
        text = _lines(spot, prefix, place, release, guarded=guarded)
        yield Proposal(title, (Splice(end, end, newline + text),))
    start = document.line_start(first.lineno)
    inner = _lines(spot, prefix + document.unit, place, release, guarded=guarded)
    yield Proposal(
        f"{title}, whatever happens there",
        (
            Splice(start, start, lines_of(document, f"{prefix}try:")),
            *indented(document, first.lineno, last.end_lineno or last.lineno, prefix, without=[]),
            Splice(end, end, newline + lines_of(document, f"{prefix}finally:") + inner),
        ),
    )


def _before(
    spot: Spot, node: ast.stmt, target: ast.Attribute, release: str, *, guarded: bool
) -> Iterator[Proposal]:
    document = spot.document
    if not document.stands_alone(node):
        return
    place = document.source(target)
    prefix, start = document.indentation(node), document.line_start(node.lineno)
    text = _lines(spot, prefix, place, release, guarded=guarded)
    yield Proposal(f"release the old `{place}` first", (Splice(start, start, text),))
