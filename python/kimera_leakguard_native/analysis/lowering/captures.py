"""Nested code: which places of a frame it sees, and which names it binds itself."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.names import evaluated_here, parameter_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimera_leakguard_native.analysis.lowering.builder import Builder

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def captured_names(
    b: Builder, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
) -> tuple[str, ...]:
    """Give the places of this frame that nested code uses."""
    found: set[str] = set()
    pending: list[tuple[ast.AST, frozenset[str]]] = [(node, frozenset())]
    while pending:
        item, hidden = pending.pop()
        if isinstance(item, ast.Name):
            place = None if item.id in hidden else b.variable(item.id)
            if isinstance(place, str):
                found.add(place)
            continue
        if isinstance(item, _FUNCTIONS):
            inner = hidden | _local_names(item)
            if item is not node:
                pending.extend((one, hidden) for one in evaluated_here(item))
            body = [item.body] if isinstance(item, ast.Lambda) else item.body
            pending.extend((one, inner) for one in body)
            continue
        pending.extend((one, hidden) for one in ast.iter_child_nodes(item))
    return tuple(sorted(found))


def _local_names(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    names = set(parameter_names(node.args))
    if not isinstance(node, ast.Lambda):
        names |= bound_in(node.body)
    return frozenset(names)


def bound_in(body: Sequence[ast.stmt]) -> set[str]:
    """Give the names that statements bind in their own scope by assignment."""
    found: set[str] = set()
    elsewhere: set[str] = set()
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                found.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere.update(node.names)
        elif not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            stack.extend(ast.iter_child_nodes(node))
    return found - elsewhere
