"""Futures whose result is asked for in the frame that holds them: an error becomes a cycle.

`result()` raises the exception that the future keeps. Its traceback keeps this frame, the frame the
variable, and the variable the future.
"""

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

CODE = "KLG411"

_HINT = re.compile(rb" = [\w.]*(?:run_coroutine_threadsafe|\.submit)\(")
_MAKERS = frozenset({"run_coroutine_threadsafe", "submit"})


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the variables that hold a `concurrent.futures.Future`."""
    data = outline.source.data
    if b".result(" not in data:
        return
    for function in outline.functions_at(match.start() for match in _HINT.finditer(data)):
        yield from _futures(function)


def _futures(function: Definition) -> Iterator[Retention]:
    body = function.body
    for node in body.every(ast.Assign):
        target, call = node.targets[0], node.value
        if not isinstance(target, ast.Name) or not isinstance(call, ast.Call):
            continue
        if last_name(call.func) not in _MAKERS:
            continue
        asked = _asked(function, target.id, body.function_of(node))
        if asked is None or lets_go(body.nodes, target.id, only_none=True):
            continue
        yield Retention(
            CODE,
            node,
            f"{target.id} keeps the exception that its result() raises here, and the traceback of "
            f"that keeps {target.id}: a reference cycle that lives until the garbage collector "
            "finds it",
            "cycle",
            0.3,
            steps=(
                (asked, "this frame joins the traceback of the exception"),
                (node.lineno, f"{target.id} is never deleted"),
            ),
        )


def _asked(function: Definition, name: str, around: ast.AST) -> int | None:
    """Give the line where the frame asks for the result, outside of a handler for any error."""
    for call in function.body.calls:
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == "result"
            and dotted(call.func.value) == name
            and function.body.function_of(call) is around
        ):
            return call.lineno
    return None
