"""Tasks that are dropped where no single path shows it: by callbacks, by contexts, by callers."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name
from kimera_leakguard_native.analysis.retention.task_calls import (
    WORDS,
    bound_tasks,
    is_starter,
    starts_task,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

CODE = "KLG401"

_CALLBACKS = {
    "call_soon": 0,
    "call_soon_threadsafe": 0,
    "call_later": 1,
    "call_at": 1,
    "add_signal_handler": 1,
    "add_reader": 1,
    "add_writer": 1,
    "add_done_callback": 0,
}
"""Where a loop or a future takes the function whose result it throws away."""

_HANGS = frozenset({"add_done_callback", "set_name"})


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the functions that start tasks."""
    for function in outline.functions_at(
        match.start() for match in WORDS.finditer(outline.source.data)
    ):
        for call in function.body.calls:
            started = _by_callback(outline, call)
            if started is not None:
                yield _lost(started, f"{last_name(call.func)}() drops what its callback returns")
        for node in function.body.every(ast.Expr):
            if starts_task(outline, node.value):
                yield _lost(node.value, "the result is dropped")
        yield from _by_callers(outline, function)


def _lost(node: ast.expr, why: str, *, instead_of: tuple[int, ...] = ()) -> Retention:
    assert isinstance(node, (ast.Call, ast.Lambda))  # what starts a task
    return Retention(
        CODE,
        node,
        f"nothing keeps the task that is started here: {why}, and it may be collected before it "
        "is done",
        "task",
        0.9,
        evident=True,
        tier="D",
        steps=(
            (node.lineno, "the task is started here"),
            *((line, "a caller drops it") for line in instead_of),
        ),
        instead_of=instead_of,
    )


def _by_callback(outline: Outline, call: ast.Call) -> ast.expr | None:
    """Give what starts a task as a callback of a loop, which forgets the callback's result."""
    if not isinstance(call.func, ast.Attribute):
        return None
    position = _CALLBACKS.get(call.func.attr)
    if position is None or len(call.args) <= position:
        return None
    callback = call.args[position]
    if isinstance(callback, ast.Call) and last_name(callback.func) == "partial" and callback.args:
        callback = callback.args[0]
    if isinstance(callback, ast.Lambda):
        return callback.body if starts_task(outline, callback.body) else None
    return call if is_starter(outline, callback) else None


def _by_callers(outline: Outline, function: Definition) -> Iterator[Retention]:
    """Look for a function that hands its task on to callers that drop it.

    Of a private one all callers are in sight, and none may take it; a public one is as bad as the
    worst of its own class.
    """
    name = function.node.name
    if name.startswith("__") or isinstance(function.node, ast.AsyncFunctionDef):
        return
    started = _handed_on(outline, function)
    if started is None or (not name.startswith("_") and function.self_name is None):
        return
    dropping: list[int] = []
    for match in re.finditer(rb"\b" + re.escape(name.encode()) + rb"\b", outline.source.data):
        line = outline.line_of(match.start())
        caller = outline.function_at(line)
        if function.node.lineno <= line <= (function.node.end_lineno or 0):
            continue
        if caller is not None and _drops(caller, name, line, own=not name.startswith("_")):
            dropping.append(line)
        elif name.startswith("_"):
            return
    if dropping:
        who = "no caller" if name.startswith("_") else f"line {dropping[0]}, a caller"
        how = "takes" if name.startswith("_") else "drops"
        yield _lost(started, f"{who} of {name}() {how} it", instead_of=tuple(dropping))


def _handed_on(outline: Outline, function: Definition) -> ast.expr | None:
    """Give the start of a task that a function returns, and keeps nowhere."""
    body = function.body
    for node in body.every(ast.Return):
        if body.function_of(node) is not function.node:
            continue
        if starts_task(outline, node.value):
            return node.value
        if isinstance(node.value, ast.Name):
            bound = bound_tasks(outline, function).get(node.value.id, [])
            if len(bound) == 1 and not _kept(function, node.value):
                return bound[0].value
    return None


def _kept(function: Definition, returned: ast.Name) -> bool:
    """Whether a function does more with a task than return it and hang a callback on it."""
    for node in function.body.every(ast.Name):
        if node.id != returned.id or node is returned or not isinstance(node.ctx, ast.Load):
            continue
        parent = function.body.parents[node]
        if not (isinstance(parent, ast.Attribute) and parent.attr in _HANGS):
            return True
    return False


def _drops(caller: Definition, name: str, line: int, *, own: bool) -> bool:
    return any(
        node.lineno == line
        and isinstance(node.value, ast.Call)
        and last_name(node.value.func) == name
        and (not own or dotted(node.value.func) == f"{caller.self_name}.{name}")
        for node in caller.body.every(ast.Expr)
    )
