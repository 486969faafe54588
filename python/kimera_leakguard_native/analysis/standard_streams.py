"""Files that take the place of a standard stream: they are meant to stay until the process ends."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.names import Scope

_NUMBERS = (0, 1, 2)
_STREAMS = frozenset({"stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__"})


def places_of_stand_ins(graph: Graph, scope: Scope) -> frozenset[str]:
    """Give the places of what ``os.dup2`` puts in the place of a standard stream."""
    if "dup2" not in scope.called or "dup" in scope.called:
        # Whoever keeps a copy of the old stream puts it back.
        return frozenset()
    names = {name for node in scope.body for name in _stand_ins(node)}
    return frozenset(
        str(item.source)
        for block in graph.blocks
        for item in block.instructions
        if isinstance(item, ir.Assign) and item.target in names
    )


def _stand_ins(statement: ast.stmt) -> set[str]:
    found = set()
    for node in ast.walk(statement):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        called = node.func
        if getattr(called, "attr", getattr(called, "id", "")) == "dup2" and _is_standard(
            node.args[1]
        ):
            given = node.args[0]
            if isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute):
                given = given.func.value
            if isinstance(given, ast.Name):
                found.add(given.id)
    return found


def _is_standard(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return node.value in _NUMBERS
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    name = getattr(node, "attr", getattr(node, "id", ""))
    return name in _STREAMS or name.endswith("_FILENO")
