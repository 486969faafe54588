"""Tables of the standard library that keep what they are given until the process ends."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention import growth
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

CODE = "KLG203"

_HINT = re.compile(rb"linecache\.cache\[|getLogger\(|getChild\(")
_REMOVES = re.compile(
    rb"del linecache\.cache|linecache\.cache\.pop|clearcache|checkcache\(|finalize"
)


def find(outline: Outline) -> Iterator[Retention]:
    """Look at entries of `linecache`, and at loggers with a name that is new each time."""
    data = outline.source.data
    cleaned = _REMOVES.search(data) is not None
    for function in outline.functions_at(match.start() for match in _HINT.finditer(data)):
        if not cleaned:
            yield from _lines(outline, function)
        yield from _loggers(outline, function)


def _lines(outline: Outline, function: Definition) -> Iterator[Retention]:
    for node in function.body.every(ast.Assign):
        target = node.targets[0]
        if (
            isinstance(target, ast.Subscript)
            and outline.qualify(target.value) == "linecache.cache"
            and not isinstance(target.slice, ast.Constant)
        ):
            yield _kept(
                node, f"linecache.cache keeps the source under {ast.unparse(target.slice)[:40]}"
            )


def _loggers(outline: Outline, function: Definition) -> Iterator[Retention]:
    for call in function.body.calls:
        name = last_name(call.func)
        if name not in ("getLogger", "getChild") or len(call.args) != 1:
            continue
        if name == "getLogger" and outline.qualify(call.func) != "logging.getLogger":
            continue
        if growth.fresh(function, call.args[0]):
            yield _kept(call, f"{name}() makes a logger for every {ast.unparse(call.args[0])[:40]}")


def _kept(node: ast.stmt | ast.expr, what: str) -> Retention:
    return Retention(
        CODE,
        node,
        f"{what}, and nothing removes it before the process ends",
        "container",
        0.45,
        steps=((node.lineno, "each call leaves one more entry"),),
    )
