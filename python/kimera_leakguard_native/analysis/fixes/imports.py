"""How a module can be named at a place, and the import that it takes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.splice import Splice

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.spot import Spot


def module(spot: Spot, name: str) -> tuple[str, tuple[Splice, ...]] | None:
    """Make a module of the standard library available.

    Returns
    -------
    alias, splices
        What to write for the module, and the import to add; None where the name means something
        else in this file.
    """
    for statement in spot.tree.body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                bound = alias.asname or alias.name.partition(".")[0]
                whole = alias.name == name or (alias.asname is None and bound == name)
                if whole and not _is_shadowed(spot, bound):
                    return bound, ()
    if name in spot.names():
        return None
    return name, (_insertion(spot, f"import {name}"),)


def _is_shadowed(spot: Spot, name: str) -> bool:
    """Whether a name is bound by anything but imports."""
    for node in ast.walk(spot.tree):
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
            return True
        if isinstance(node, ast.arg) and node.arg == name:
            return True
        if (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            and node.name == name
        ):
            # A method of that name shadows nothing outside its class, but who would bet on it.
            return True
    return False


def _insertion(spot: Spot, text: str) -> Splice:
    """Place an import among the plain ones at the top, in order if they are."""
    document, body = spot.document, spot.tree.body
    first = next((item for item in body if _is_own_import(item)), None)
    if first is not None and document.stands_alone(first):
        after = None
        for statement in body[body.index(first) :]:
            if not isinstance(statement, ast.Import) or not document.stands_alone(statement):
                break
            if statement.names[0].name > text.rpartition(" ")[2]:
                break
            after = statement
        if after is not None:
            start = document.line_end(after.end_lineno or after.lineno)
        else:
            start = document.line_start(first.lineno)
        return Splice(start, start, f"{text}{document.newline}")
    line = 0
    for statement in body:
        docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not docstring and not isinstance(statement, ast.ImportFrom):
            break
        line = statement.end_lineno or statement.lineno
    start = document.line_end(line) if line else document.line_start(_first_free(spot))
    before, behind = (document.newline, "") if line else ("", document.newline)
    return Splice(start, start, f"{before}{text}{document.newline}{behind}")


def _is_own_import(node: ast.stmt) -> bool:
    """Whether a statement imports, and not from ``__future__``."""
    if isinstance(node, ast.ImportFrom):
        return node.module != "__future__"
    return isinstance(node, ast.Import)


def _first_free(spot: Spot) -> int:
    """Give the first line after the comments at the top of a file."""
    line = 1
    last = spot.tree.body[0].lineno if spot.tree.body else 1
    while line < last and spot.document.line_text(line).startswith("#"):
        line += 1
    return line
