"""Tasks that a future keeps: what waits for one is among its callbacks, and lives as long as it."""

from __future__ import annotations

import ast

TASK = "KLG401"


def kept_by_its_future(tree: ast.Module, line: int) -> bool:
    """Whether the task that starts at a line first awaits a future that its function returns.

    That is a call ``start(wait_for(future))``, or of a variable that has been given the coroutine,
    where ``wait_for`` is defined inside the function and awaits that parameter first of all.
    """
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    function = max(around, key=lambda node: node.lineno, default=None)
    if function is None:
        return False
    for call in ast.walk(function):
        if not isinstance(call, ast.Call) or call.lineno != line or not call.args:
            continue
        coroutine = _coroutine(function, call.args[0])
        if coroutine is None:
            continue
        definition = _definition(function, coroutine.func)
        awaited = None if definition is None else _first_awaited(definition)
        if definition is None or awaited is None:
            continue
        names = [argument.arg for argument in definition.args.args]
        position = names.index(awaited) if awaited in names else len(coroutine.args)
        if position < len(coroutine.args) and _is_returned(function, coroutine.args[position]):
            return True
    return False


def _coroutine(function: ast.AST, value: ast.expr) -> ast.Call | None:
    if isinstance(value, ast.Name):
        made = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == value.id for t in node.targets)
        ]
        return made[0] if len(made) == 1 and isinstance(made[0], ast.Call) else None
    return value if isinstance(value, ast.Call) else None


def _definition(function: ast.AST, called: ast.expr) -> ast.AsyncFunctionDef | None:
    if not isinstance(called, ast.Name):
        return None
    return next(
        (
            node
            for node in ast.walk(function)
            if isinstance(node, ast.AsyncFunctionDef) and node.name == called.id
        ),
        None,
    )


def _first_awaited(definition: ast.AsyncFunctionDef) -> str | None:
    first: ast.stmt = definition.body[0]
    while isinstance(first, ast.Try):
        first = first.body[0]
    value = first.value if isinstance(first, (ast.Expr, ast.Assign, ast.Return)) else None
    if isinstance(value, ast.Await) and isinstance(value.value, ast.Name):
        return value.value.id
    return None


def _is_returned(function: ast.AST, argument: ast.expr) -> bool:
    return isinstance(argument, ast.Name) and any(
        isinstance(node, ast.Return)
        and isinstance(node.value, ast.Name)
        and node.value.id == argument.id
        for node in ast.walk(function)
    )
