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


_WAITING = frozenset({"gather", "wait", "wait_for", "shield", "sleep_forever", "serve_forever"})
_GROUPS = frozenset({"TaskGroup", "create_task_group", "open_nursery"})
_EXHAUSTING = frozenset(
    {"list", "tuple", "set", "dict", "sorted", "sum", "min", "max", "any", "all"}
)


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
        and all(_only_uses(node, name, catalog, graph.source) for node in nodes)
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


def _only_uses(node: ast.AST, name: str, catalog: Catalog, around: ast.AST | None) -> bool:
    if isinstance(node, ast.ClassDef):
        return False
    if isinstance(node, ast.AsyncFunctionDef) and not _is_waited_for(node.name, around):
        return False
    if isinstance(node, ast.FunctionDef) and (
        node.decorator_list or (_is_generator(node) and not _is_run_through(node.name, around))
    ):
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
        return parent.attr not in catalog.ending and (called or _is_plain(parent, around))
    if isinstance(parent, ast.keyword):
        parent = parents[id(parent)]
    if isinstance(parent, ast.Call):
        return parent.func is not node and _borrows(parent, catalog)
    if isinstance(parent, ast.Subscript):
        return parent.value is node
    if isinstance(parent, (ast.For, ast.AsyncFor, ast.comprehension)):
        return parent.iter is node
    if isinstance(parent, ast.Await):
        return False
    return isinstance(parent, (ast.Compare, ast.UnaryOp, ast.If, ast.While, ast.FormattedValue))


def _is_plain(read: ast.Attribute, around: ast.AST | None) -> bool:
    """Whether an attribute is set, or read for what it is and not to be kept."""
    if isinstance(read.ctx, ast.Store):
        return True
    return isinstance(around, (ast.Compare, ast.UnaryOp, ast.BinOp, ast.FormattedValue, ast.If))


def _is_waited_for(name: str, around: ast.AST | None) -> bool:
    """Whether the frame only calls a coroutine function, and waits for what it starts."""
    if not isinstance(around, ast.AsyncFunctionDef):
        return False
    calls, waited, waits = 0, 0, False
    for item in ast.walk(around):
        if isinstance(item, ast.Call):
            calls += getattr(item.func, "id", "") == name
        elif isinstance(item, ast.Await) and isinstance(item.value, ast.Call):
            called = item.value.func
            waited += getattr(called, "id", "") == name
            last = getattr(called, "attr", getattr(called, "id", ""))
            waits = waits or last in _WAITING
        elif isinstance(item, ast.AsyncWith):
            waits = waits or any(_last_name(one.context_expr) in _GROUPS for one in item.items)
    return calls > 0 and calls == _mentions(name, around) and (waits or waited == calls)


def _is_run_through(name: str, around: ast.AST | None) -> bool:
    """Whether the frame does nothing with a generator function but to iterate over its calls."""
    through = 0
    if around is None:
        return False
    for item in ast.walk(around):
        if isinstance(item, (ast.For, ast.comprehension)):
            through += _last_name(item.iter) == name
        elif isinstance(item, ast.Call) and getattr(item.func, "id", "") in _EXHAUSTING:
            through += any(_last_name(one) == name for one in item.args)
    return through > 0 and through == _mentions(name, around)


def _mentions(name: str, around: ast.AST) -> int:
    return sum(isinstance(item, ast.Name) and item.id == name for item in ast.walk(around))


def _last_name(call: ast.AST) -> str:
    called = call.func if isinstance(call, ast.Call) else None
    return str(getattr(called, "attr", getattr(called, "id", "")))


def _borrows(call: ast.Call, catalog: Catalog) -> bool:
    func = call.func
    last = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    first = _FIRST_WORD.match(last)
    return first is not None and (
        last in catalog.borrowing or first.group(1) in catalog.callees.borrow_verbs
    )
