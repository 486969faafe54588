"""Nested functions that use a variable of the frame around them, and never end what it holds."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.resources.catalog import Catalog

_FIRST_WORD = re.compile(r"_*([a-z0-9]+)")
_KEEPING = frozenset(
    {
        "add", "append", "register", "connect", "subscribe", "setdefault", "insert", "put", "push",
        "submit", "call", "callback", "on", "set", "bind", "listen", "observe", "attach", "hook",
        "schedule", "start", "spawn", "defer", "finalize", "signal", "install", "enter",
    }
)  # fmt: skip
"""First words of the names of callables that keep a function for later."""


def keeps_function(name: str) -> bool:
    """Whether a callable of a name keeps a function that it is given beyond the call."""
    first = _FIRST_WORD.match(name)
    return first is None or first.group(1) in _KEEPING


def lent_variables(graph: Graph, catalog: Catalog) -> frozenset[str]:
    """Give the captured variables that every nested function merely uses."""
    if not graph.cells:
        return frozenset()
    if graph.lent is None:
        graph.lent = _lent(graph, catalog)
    return graph.lent


def _lent(graph: Graph, catalog: Catalog) -> frozenset[str]:
    users: dict[str, list[ast.AST]] = {}
    passed_on: set[str] = set()
    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.MakeClosure):
                for name in item.captured:
                    users.setdefault(name, []).append(item.source)
            passed_on.update(_functions_passed_on(item))
    return frozenset(
        name
        for name, nodes in users.items()
        if name in graph.cells
        and not any(getattr(node, "name", "") in passed_on for node in nodes)
        and all(_only_uses(node, name, catalog) for node in nodes)
    )


def _functions_passed_on(item: ir.Instruction) -> Iterator[str]:
    """Give the names of nested functions that an instruction does more with than to call them."""
    operands: tuple[ir.Operand, ...] = ()
    if isinstance(item, ir.Call):
        last = item.method or (item.name or "").rpartition(".")[2]
        operands = item.operands() if keeps_function(last) else ()
    elif isinstance(item, ir.Build):
        operands = item.elements
    elif isinstance(item, (ir.Assign, ir.SetAttribute, ir.SetItem, ir.Return, ir.Yield)):
        operands = (item.source,)
    for one in operands:
        if isinstance(one, ir.Global) and "<locals>" in one.name:
            yield one.name.rpartition(".")[2]
    if isinstance(item, ir.Call):
        operands = item.operands()
    # A variable that a definition and something else are assigned to is not followed.
    yield from (one for one in operands if isinstance(one, str))


def _only_uses(node: ast.AST, name: str, catalog: Catalog) -> bool:
    if isinstance(node, (ast.ClassDef, ast.AsyncFunctionDef)):
        return False
    if isinstance(node, ast.FunctionDef) and (node.decorator_list or _is_generator(node)):
        # It runs when somebody else wants it to.
        return False
    parents: dict[int, ast.AST] = {}
    named: list[ast.Name] = []
    for parent in ast.walk(node):
        for child in ast.iter_child_nodes(parent):
            parents[id(child)] = parent
            if isinstance(child, ast.Name) and child.id == name:
                named.append(child)
    return all(_is_use(item, parents, catalog) for item in named)


def _is_generator(node: ast.FunctionDef) -> bool:
    return any(isinstance(item, (ast.Yield, ast.YieldFrom)) for item in ast.walk(node))


def _is_use(node: ast.Name, parents: dict[int, ast.AST], catalog: Catalog) -> bool:
    if not isinstance(node.ctx, ast.Load):
        return False
    parent = parents[id(node)]
    if isinstance(parent, ast.Attribute):
        around = parents.get(id(parent))
        called = isinstance(around, ast.Call) and around.func is parent
        return called and parent.attr not in catalog.ending
    if isinstance(parent, ast.keyword):
        parent = parents[id(parent)]
    if isinstance(parent, ast.Call):
        return parent.func is not node and _borrows(parent, catalog)
    if isinstance(parent, ast.Subscript):
        return parent.value is node
    if isinstance(parent, (ast.For, ast.AsyncFor, ast.comprehension)):
        return parent.iter is node
    return isinstance(parent, (ast.Compare, ast.UnaryOp, ast.If, ast.While, ast.FormattedValue))


def _borrows(call: ast.Call, catalog: Catalog) -> bool:
    func = call.func
    last = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    first = _FIRST_WORD.match(last)
    return first is not None and (
        last in catalog.borrowing or first.group(1) in catalog.callees.borrow_verbs
    )
