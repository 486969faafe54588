"""How far a resource is used: the statements that a block around it has to cover."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_READS = ("read", "write", "recv", "send", "get", "seek", "extract", "fetch")


def mentions(node: ast.AST, names: Iterable[str]) -> bool:
    """Whether a node, functions nested in it included, mentions one of some variables."""
    wanted = frozenset(names)
    return any(isinstance(item, ast.Name) and item.id in wanted for item in ast.walk(node))


def rebinds(node: ast.AST, name: str) -> bool:
    """Whether a node assigns or deletes a variable."""
    for item in ast.walk(node):
        if isinstance(item, ast.Name) and item.id == name and not isinstance(item.ctx, ast.Load):
            return True
        if isinstance(item, (ast.Global, ast.Nonlocal)) and name in item.names:
            return True
        if isinstance(item, ast.ExceptHandler) and item.name == name:
            return True
    return False


def extents(statements: list[ast.stmt], name: str) -> list[int]:
    """Give numbers of statements that might do: direct uses, derived ones too, all of the block."""
    if not mentions_any(statements, name):
        return []
    found: list[int] = []
    for count in (
        last_use(statements, name, derived=False),
        last_use(statements, name),
        len(statements),
    ):
        if count and count not in found:
            found.append(count)
    return found


def mentions_any(statements: list[ast.stmt], name: str) -> bool:
    """Whether one of some statements mentions a variable."""
    return any(mentions(item, [name]) for item in statements)


def last_use(statements: list[ast.stmt], name: str, *, derived: bool = True) -> int:
    """Count the statements up to the last one that uses a variable.

    A statement that starts over with the variable ends the search.

    Parameters
    ----------
    derived : bool
        Whether uses of what was made from the variable count too.
    """
    names = {name}
    count = 0
    for index, statement in enumerate(statements):
        if _starts_over(statement, name):
            break
        if mentions(statement, names):
            count = index + 1
            if derived:
                names |= _derived(statement, names)
    return count


def _starts_over(statement: ast.stmt, name: str) -> bool:
    if not isinstance(statement, ast.Assign) or mentions(statement.value, [name]):
        return False
    return any(isinstance(item, ast.Name) and item.id == name for item in statement.targets)


def _derived(statement: ast.stmt, names: set[str]) -> set[str]:
    """Variables of a statement that may still need the resource: readers, iterators, cursors."""
    found: set[str] = set()
    for item in ast.walk(statement):
        pairs: list[tuple[ast.expr | None, ast.expr | None]]
        if isinstance(item, (ast.With, ast.AsyncWith)):
            pairs = [(one.optional_vars, one.context_expr) for one in item.items]
        elif isinstance(item, ast.Assign):
            pairs = [(target, item.value) for target in item.targets]
        elif isinstance(item, (ast.NamedExpr, ast.AnnAssign)):
            pairs = [(item.target, item.value)]
        else:
            continue
        for target, value in pairs:
            if target is None or value is None or not mentions(value, names):
                continue
            if _plain(value, names):
                continue
            found |= {one.id for one in ast.walk(target) if isinstance(one, ast.Name)}
    return found


def _plain(value: ast.expr, names: set[str]) -> bool:
    """Whether an expression is a call that gives plain data: ``file.read()``."""
    if isinstance(value, ast.Await):
        value = value.value
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr.startswith(_READS)
        and mentions(value.func.value, names)
    )
