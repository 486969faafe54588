"""``open(path).read()``: a resource that no variable holds gets one, and a with statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.endings import ending
from kimera_leakguard_native.analysis.fixes.extent import last_use
from kimera_leakguard_native.analysis.fixes.moved_block import indented, lines_of
from kimera_leakguard_native.analysis.fixes.proposal import Proposal
from kimera_leakguard_native.analysis.fixes.release_text import Manager, manager, name_for
from kimera_leakguard_native.analysis.fixes.splice import Splice
from kimera_leakguard_native.analysis.resources.catalog import catalog

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.spot import Spot

_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Raise, ast.Assert)
_HEADERS = (ast.If, ast.For, ast.Match)
_CONSUMING = frozenset(
    {"list", "tuple", "set", "frozenset", "dict", "sum", "any", "all", "max", "min", "sorted"}
)
_HARMLESS = frozenset({"len", "str", "int", "repr", "bool", "Path", "join", "format", "dirname"})
_RESULTS = {"read": "content", "readlines": "lines", "readline": "line", "load": "loaded"}


def propose(spot: Spot) -> Iterator[Proposal]:
    """Give the ways of holding the resource while the statement uses it."""
    if not spot.levels or not isinstance(spot.node, ast.Call):
        return
    node = spot.levels[0].statement
    if isinstance(node, ast.Expr) and node.value is spot.node:
        yield from _close_at_once(spot)
        return
    if isinstance(node, ast.With):
        yield from _beside(spot, node)
        return
    entered = manager(spot)
    if (
        entered is None
        or spot.parents[0] is node
        or not spot.document.stands_alone(node)
        or not _is_unconditional(spot, node)
        or _has_effects_before(spot, node)
    ):
        return
    if isinstance(node, _SIMPLE):
        yield from _around(spot, entered)
    elif isinstance(node, _HEADERS) and not spot.document.source(node).startswith("elif"):
        yield from _in_front(spot, entered)
        if isinstance(node, ast.For):
            yield from _around(spot, entered)


def _close_at_once(spot: Spot) -> Iterator[Proposal]:
    known = ending(spot.finding.resource, spot.callee)
    if known is not None:
        end = spot.document.end(spot.node)
        yield Proposal("end it at once", (Splice(end, end, f".{known.method}()"),))


def _around(spot: Spot, entered: Manager) -> Iterator[Proposal]:
    """Put the whole statement into a with statement, and those that use what it makes."""
    document, level = spot.document, spot.levels[0]
    node, name = level.statement, name_for(spot)
    prefix = document.indentation(node)
    start, end = document.start(spot.node), document.end(spot.node)
    call = document.text[start:end]
    first = document.line_start(node.lineno)
    header = f"{prefix}with {entered.before}{call}{entered.after} as {name}:"
    for last in _last_statements(spot, node):
        if not document.stands_alone(node, last):
            continue
        yield Proposal(
            f"open `{name}` in a with statement",
            (
                *entered.imports,
                Splice(first, first, lines_of(document, header)),
                *indented(
                    document,
                    node.lineno,
                    last.end_lineno or last.lineno,
                    prefix,
                    without=[(start, end)],
                ),
                Splice(start, end, name),
            ),
        )


def _last_statements(spot: Spot, node: ast.stmt) -> Iterator[ast.stmt]:
    yield node
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        following = spot.levels[0].following
        count = last_use(following, node.targets[0].id)
        if count:
            yield following[count - 1]


def _in_front(spot: Spot, entered: Manager) -> Iterator[Proposal]:
    """Read in a with statement first, and let the statement use the result."""
    consumer = _consumer(spot)
    if consumer is None:
        return
    document, node, name = spot.document, spot.levels[0].statement, name_for(spot)
    prefix = document.indentation(node)
    start, end = document.start(spot.node), document.end(spot.node)
    first, last = document.start(consumer), document.end(consumer)
    called = consumer.func
    verb = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    result = spot.fresh(_RESULTS.get(verb, "result"), f"{name}_content")
    reading = f"{document.text[first:start]}{name}{document.text[end:last]}"
    line = document.line_start(node.lineno)
    yield Proposal(
        f"read `{name}` in a with statement first",
        (
            *entered.imports,
            Splice(
                line,
                line,
                lines_of(
                    document,
                    f"{prefix}with {entered.before}{document.text[start:end]}"
                    f"{entered.after} as {name}:",
                    f"{prefix}{document.unit}{result} = {reading}",
                ),
            ),
            Splice(first, last, result),
        ),
    )


def _consumer(spot: Spot) -> ast.Call | None:
    """Give the call that uses the resource up: ``open(path).read()``, ``json.load(open(path))``."""
    parent = spot.parents[0]
    if isinstance(parent, ast.Attribute):
        around = spot.parents[1]
        return around if isinstance(around, ast.Call) and around.func is parent else None
    if isinstance(parent, ast.Call) and spot.node in parent.args:
        last = ast.unparse(parent.func).rpartition(".")[2]
        known = {name.rpartition(".")[2] for name in catalog().callees.borrow}
        return parent if last in known else None
    return None


def _beside(spot: Spot, node: ast.With) -> Iterator[Proposal]:
    """Enter the resource in the same with statement, in front of the item that uses it."""
    entered = manager(spot)
    if entered is None or not _is_unconditional(spot, node):
        return
    document, name = spot.document, name_for(spot)
    start, end = document.start(spot.node), document.end(spot.node)
    for item in node.items:
        first = document.start(item.context_expr)
        if first < start and end <= document.end(item.context_expr):
            yield Proposal(
                f"enter `{name}` in the same with statement",
                (
                    *entered.imports,
                    Splice(
                        first,
                        first,
                        f"{entered.before}{document.text[start:end]}{entered.after} as {name}, ",
                    ),
                    Splice(start, end, name),
                ),
            )


def _is_unconditional(spot: Spot, statement: ast.stmt) -> bool:
    """Whether the call is evaluated once whenever the statement is."""
    child: ast.AST = spot.node
    chain = [*spot.parents[: spot.parents.index(statement) + 1]]
    for position, parent in enumerate(chain):
        if isinstance(parent, ast.BoolOp) and parent.values[0] is not child:
            return False
        if isinstance(parent, ast.IfExp) and parent.test is not child:
            return False
        if isinstance(parent, ast.Compare) and child not in (parent.left, parent.comparators[0]):
            return False
        if isinstance(parent, ast.comprehension):
            whole = chain[position + 1]
            generators = getattr(whole, "generators", [None])
            if generators[0] is not parent or parent.iter is not child:
                return False
            if isinstance(whole, ast.GeneratorExp) and not _is_consumed(whole, chain[position + 2]):
                return False
        elif isinstance(parent, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            if not isinstance(child, ast.comprehension):
                return False
        elif isinstance(parent, (ast.Lambda, ast.JoinedStr, ast.Yield, ast.YieldFrom)):
            return False
        child = parent
    if isinstance(statement, ast.Assert):
        return child is statement and spot.node in set(ast.walk(statement.test))
    header = (
        statement.test
        if isinstance(statement, ast.If)
        else statement.iter
        if isinstance(statement, ast.For)
        else statement.subject
        if isinstance(statement, ast.Match)
        else statement
    )
    return any(item is spot.node for item in ast.walk(header))


def _is_consumed(node: ast.GeneratorExp, parent: ast.AST) -> bool:
    if not isinstance(parent, ast.Call) or node not in parent.args:
        return False
    called = parent.func
    if isinstance(called, ast.Name):
        return called.id in _CONSUMING
    return isinstance(called, ast.Attribute) and called.attr == "join"


def _has_effects_before(spot: Spot, statement: ast.stmt) -> bool:
    """Whether the statement calls something before the acquisition, whose order would change."""
    document = spot.document
    start = document.start(spot.node)
    for item in ast.walk(statement):
        if isinstance(item, (ast.Await, ast.NamedExpr)):
            return True
        if not isinstance(item, ast.Call) or document.end(item) > start:
            continue
        called = item.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name not in _HARMLESS:
            return True
    return False
