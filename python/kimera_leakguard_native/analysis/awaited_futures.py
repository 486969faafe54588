"""Tasks that a future keeps: what waits for one is among its callbacks, and lives as long as it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TASK = "KLG401"

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class AwaitedFutures:
    """Tells which tasks of a module wait for a future that the function that starts them returns.

    That is a call ``start(wait_for(future))``, or of a variable that has been given the coroutine,
    where ``wait_for`` is defined inside the function and awaits that parameter first of all. The
    module is read once, when the first task is asked for.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._starts: dict[int, list[tuple[ast.AST, ast.expr]]] | None = None
        self._facts: dict[ast.AST, _Facts] = {}

    def keep(self, line: int) -> bool:
        """Whether such a future keeps the task that starts at a line."""
        if self._starts is None:
            self._starts = _first_arguments(self._tree)
        return any(self._keeps(*start) for start in self._starts.get(line, ()))

    def _keeps(self, function: ast.AST, started: ast.expr) -> bool:
        facts = self._facts.get(function)
        if facts is None:
            facts = self._facts[function] = _Facts(ast.walk(function))
        coroutine = facts.coroutine(started)
        if coroutine is None or not isinstance(coroutine.func, ast.Name):
            return False
        definition = facts.coroutines.get(coroutine.func.id)
        awaited = None if definition is None else _first_awaited(definition)
        if definition is None or awaited is None:
            return False
        names = [argument.arg for argument in definition.args.args]
        position = names.index(awaited) if awaited in names else len(coroutine.args)
        if position >= len(coroutine.args):
            return False
        future = coroutine.args[position]
        return isinstance(future, ast.Name) and future.id in facts.returned


class _Facts:
    """What a function calls its coroutines, assigns once, and returns by name."""

    def __init__(self, nodes: Iterable[ast.AST]) -> None:
        self.coroutines: dict[str, ast.AsyncFunctionDef] = {}
        self.returned: set[str] = set()
        self._assigned: dict[str, list[ast.expr]] = {}
        for node in nodes:
            if isinstance(node, ast.AsyncFunctionDef):
                self.coroutines.setdefault(node.name, node)
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.Name):
                self.returned.add(node.value.id)
            elif isinstance(node, ast.Assign):
                for name in {t.id for t in node.targets if isinstance(t, ast.Name)}:
                    self._assigned.setdefault(name, []).append(node.value)

    def coroutine(self, value: ast.expr) -> ast.Call | None:
        """Give the call that makes a coroutine, where it stands or where its variable got it."""
        if isinstance(value, ast.Name):
            made = self._assigned.get(value.id, ())
            value = made[0] if len(made) == 1 else value
        return value if isinstance(value, ast.Call) else None


def _first_arguments(tree: ast.Module) -> dict[int, list[tuple[ast.AST, ast.expr]]]:
    """Give the functions around the calls of each line, and the first arguments of those."""
    found: dict[int, list[tuple[ast.AST, ast.expr]]] = {}
    pending: list[tuple[ast.AST, ast.AST | None]] = [(tree, None)]
    while pending:
        node, function = pending.pop()
        if isinstance(node, ast.Call) and node.args and function is not None:
            found.setdefault(node.lineno, []).append((function, node.args[0]))
        inner = node if isinstance(node, _FUNCTIONS) else function
        pending.extend((child, inner) for child in ast.iter_child_nodes(node))
    return found


def _first_awaited(definition: ast.AsyncFunctionDef) -> str | None:
    first: ast.stmt = definition.body[0]
    while isinstance(first, ast.Try):
        first = first.body[0]
    value = first.value if isinstance(first, (ast.Expr, ast.Assign, ast.Return)) else None
    if isinstance(value, ast.Await) and isinstance(value.value, ast.Name):
        return value.value.id
    return None
