"""Variables of loops that never end: what the last pass left in them stays while the loop waits."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import lets_go
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

CODE = "KLG417"

_HINT = re.compile(rb"\bwhile ")
_RUNS = re.compile(r"^_*(run|main_?loop|worker|work|loop|_?run_loop|serve|poll|monitor|target)_*$")
_WAITS = frozenset({"wait", "sleep"})
_QUEUE = re.compile(r"queue|(^|_)q$|inbox|mailbox|tasks$|jobs$", re.IGNORECASE)


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the loops of threads."""
    data = outline.source.data
    if b"threading" not in data and b"Thread" not in data:
        return
    for function in outline.functions_at(match.start() for match in _HINT.finditer(data)):
        if _RUNS.search(function.node.name):
            for loop in function.body.every(ast.While):
                yield from _left(function, loop)


def _left(function: Definition, loop: ast.While) -> Iterator[Retention]:
    body = function.body
    if body.loop_of(loop) is not None or body.function_of(loop) is not function.node:
        return
    inside = [node for node in ast.walk(loop) if body.loop_of(node) is not None]
    waits = next((node for node in inside if isinstance(node, ast.Call) and _waits(node)), None)
    if waits is None:
        return
    for name, node in _objects(inside):
        if lets_go(inside, name) or not _is_object(inside, name):
            continue
        yield Retention(
            CODE,
            node,
            f"{name} still holds the last object while {function.node.name}() waits: it lives "
            "until the next one comes",
            "container",
            0.3,
            steps=(
                (node.lineno, f"{name} is bound here"),
                (waits.lineno, "the thread waits here with the variable still bound"),
            ),
        )
        return


def _waits(call: ast.Call) -> bool:
    """Whether a call may block for long: a sleep, an event, a queue without a time limit."""
    return last_name(call.func) in _WAITS or _takes(call)


def _takes(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "get"
        and _QUEUE.search((dotted(call.func.value) or "").rpartition(".")[2]) is not None
        and all(item.arg in ("block", "timeout") for item in call.keywords)
        and (not call.args or isinstance(call.args[0], ast.Constant))
    )


def _objects(nodes: list[ast.AST]) -> Iterator[tuple[str, ast.stmt]]:
    """Give the variables that a pass binds: taken from a queue, or run over by an inner loop."""
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if isinstance(node.value, ast.Call) and _takes(node.value):
                yield node.targets[0].id, node
        elif (
            isinstance(node, ast.For)
            and isinstance(node.target, ast.Name)
            and isinstance(node.iter, (ast.Name, ast.Attribute, ast.Call))
        ):
            yield node.target.id, node


def _is_object(nodes: list[ast.AST], name: str) -> bool:
    """Whether attributes of a variable are asked for: numbers and strings weigh nothing."""
    return any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        for node in nodes
    )
