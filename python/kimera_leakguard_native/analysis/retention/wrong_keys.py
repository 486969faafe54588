"""Containers that are filled under one key and emptied under another."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

GLOBAL = "KLG203"
ATTRIBUTE = "KLG204"

_POP = re.compile(rb"\b(\w+)\.pop\((\w+), ?[^\n]*\)")


def find(outline: Outline) -> Iterator[Retention]:
    """Look at what is popped under a plain name with a default, so that nobody sees the miss."""
    data = outline.source.data
    for name in dict.fromkeys(match[1] for match in _POP.finditer(data)):
        word = name.decode("utf-8", "replace")
        if word in ("kwargs", "os", "environ", "self", "options", "data", "params", "headers"):
            continue
        uses = re.compile(rb"\b%b(?:\[|\.pop\()" % re.escape(name))
        functions = outline.functions_at(match.start() for match in uses.finditer(data))
        yield from _compare(functions, word)


def _compare(functions: list[Definition], word: str) -> Iterator[Retention]:
    stores: list[tuple[ast.Assign, ast.expr]] = []
    pops: list[tuple[int, ast.expr]] = []
    for function in functions:
        for node in function.body.nodes:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                if _is(node.targets[0].value, word):
                    stores.append((node, node.targets[0].slice))
            elif isinstance(node, ast.Delete):
                if any(isinstance(t, ast.Subscript) and _is(t.value, word) for t in node.targets):
                    return
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and _is(node.func.value, word)
            ):
                if node.func.attr in ("clear", "popitem", "setdefault", "update"):
                    return
                if node.func.attr == "pop" and node.args:
                    pops.append((node.lineno, node.args[0]))
    for statement, key in stores:
        subject = _part_of(key)
        if subject is None or not pops:
            continue
        # The same variable, once as it is and once through id() or an attribute.
        if all(isinstance(one, ast.Name) and one.id == subject for _, one in pops):
            place = ast.unparse(statement.targets[0].value)  # type: ignore[attr-defined]
            line = pops[0][0]
            yield Retention(
                GLOBAL if "." not in place else ATTRIBUTE,
                statement,
                f"{place} is filled under {ast.unparse(key)} and emptied under {subject}: nothing "
                "is ever removed",
                "container",
                0.6,
                steps=(
                    (statement.lineno, f"the key is {ast.unparse(key)}"),
                    (line, f"the key is {subject}, and pop() has a default for what it misses"),
                ),
            )
            return


def _is(node: ast.expr, word: str) -> bool:
    place = dotted(node)
    return place is not None and place.rpartition(".")[2] == word


def _part_of(key: ast.expr) -> str | None:
    """Name the variable whose identity or attribute a key is."""
    if isinstance(key, ast.Call) and isinstance(key.func, ast.Name) and len(key.args) == 1:
        inner = key.args[0]
        return inner.id if key.func.id == "id" and isinstance(inner, ast.Name) else None
    if isinstance(key, ast.Attribute) and isinstance(key.value, ast.Name):
        return key.value.id if key.value.id not in ("self", "cls") else None
    return None
