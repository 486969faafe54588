"""Variables that a function closes in the end: until then nobody else has taken them over.

Who is handed a file by a call may keep it. Where the same function closes the file afterwards,
whatever the call has answered, it does not think so.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.obligations.words import ends_object
from kimera_leakguard_native.analysis.ownership import ClosedLater

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.names import Scope

_LISTS = ("body", "orelse", "finalbody")


def closed_later(scope: Scope) -> tuple[ClosedLater, ...]:
    """Find the variables that a function closes, with the lines up to there.

    A statement counts for the list of statements in which it stands, and for the lists around it
    as long as only ``try``, ``with`` or a test of the variable itself are in between: where it is
    for the failing case, or for one of two cases, it says nothing about the calls before.
    """
    if not any(ends_object(name) for name in scope.called):
        return ()
    stored: dict[str, list[int]] = {}
    found: list[ClosedLater] = []
    pending: list[list[ast.stmt]] = [scope.body]
    while pending:
        statements = pending.pop()
        if not statements:
            continue
        first = statements[0].lineno
        for name, method, line in _closed_at(statements):
            if not stored:
                stored.update(_stored(scope))
            bound = max((one for one in stored.get(name, ()) if one < line), default=0)
            found.append(ClosedLater(name, max(first, bound + 1), line - 1, method))
        for statement in statements:
            pending.extend(_inside(statement))
    return tuple(found)


def _inside(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return
    for name in _LISTS:
        inner = getattr(statement, name, None)
        if inner:
            yield inner
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def _closed_at(statements: list[ast.stmt]) -> Iterator[tuple[str, str, int]]:
    """Give what a list of statements closes whatever happens, with the method and the line."""
    pending = list(statements)
    while pending:
        statement = pending.pop()
        if isinstance(statement, ast.Expr):
            yield from _closed_by(statement.value)
        elif isinstance(statement, ast.Try):
            pending += [*statement.body, *statement.orelse, *statement.finalbody]
        elif isinstance(statement, (ast.With, ast.AsyncWith)):
            pending += statement.body
        elif isinstance(statement, ast.If) and not statement.orelse:
            tested = _tested(statement.test)
            closed = list(_closed_at(statement.body)) if tested else []
            yield from (item for item in closed if item[0] == tested)


def _closed_by(value: ast.expr) -> Iterator[tuple[str, str, int]]:
    if isinstance(value, ast.Await):
        value = value.value
    if not isinstance(value, ast.Call):
        return
    called = value.func
    if not isinstance(called, ast.Attribute) or not ends_object(called.attr):
        return
    if isinstance(called.value, ast.Name):
        yield called.value.id, called.attr, value.lineno
    for argument in value.args:
        # As in os.close(descriptor).
        if isinstance(argument, ast.Name):
            yield argument.id, called.attr, value.lineno


def _tested(test: ast.expr) -> str | None:
    """Give the variable whose presence is all that a test asks for."""
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot):
        test = test.left
    return test.id if isinstance(test, ast.Name) else None


def _stored(scope: Scope) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    pending: list[ast.AST] = list(scope.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.setdefault(node.id, []).append(node.lineno)
        pending.extend(ast.iter_child_nodes(node))
    return found
