"""Which expressions start a task of asyncio."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.outline import last_name

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

WORDS = re.compile(rb"\b(?:create_task|ensure_future)\b")

_STARTERS = frozenset(
    f"{module}.{name}"
    for module in ("asyncio", "asyncio.tasks", "trollius")
    for name in ("create_task", "ensure_future")
)
_LOOP = re.compile(r"loop$", re.IGNORECASE)
_CONTEXT = re.compile(r"(^|_)(context|ctx)$", re.IGNORECASE)


def is_starter(outline: Outline, node: ast.expr) -> bool:
    """Whether calling an expression starts a task: a function of asyncio, or a loop's method."""
    if outline.qualify(node) in _STARTERS:
        return True
    # A group of tasks keeps them, and any other object may: only a loop is known not to.
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "create_task"
        and _LOOP.search(last_name(node.value) or "") is not None
    )


def starts_task(outline: Outline, node: ast.AST | None) -> bool:
    """Whether an expression is a call that starts a task, be it in a `contextvars.Context`."""
    if not isinstance(node, ast.Call):
        return False
    if is_starter(outline, node.func):
        return True
    return in_context(node) and bool(node.args) and is_starter(outline, node.args[0])


def in_context(call: ast.Call) -> bool:
    """Whether a call is `context.run(function, ...)`."""
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "run"
        and _CONTEXT.search(last_name(function.value) or "") is not None
    )


def bound_tasks(outline: Outline, function: Definition) -> dict[str, list[ast.Assign]]:
    """Give the variables that stand for a task, with the statements that start it."""
    found: dict[str, list[ast.Assign]] = {}
    for node in function.body.every(ast.Assign):
        target = node.targets[0]
        if isinstance(target, ast.Name) and starts_task(outline, node.value):
            found.setdefault(target.id, []).append(node)
    return found
