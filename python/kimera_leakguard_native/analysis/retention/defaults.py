"""Default values of parameters that collect what each call leaves in them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention import growth
from kimera_leakguard_native.analysis.retention.containers import maker
from kimera_leakguard_native.analysis.retention.evidence import Retention

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

CODE = "KLG206"

_HINT = re.compile(rb"= ?(?:\[\]|\{\}|set\(\)|dict\(\)|list\(\)|[A-Z]\w*\(\))\s*[,)]")
_SHRINKS = frozenset({"pop", "popitem", "popleft", "clear", "remove", "discard"})


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the functions with an empty container as a default."""
    offsets = (match.start() for match in _HINT.finditer(outline.source.data))
    for function in outline.functions_at(offsets):
        arguments = function.node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = [
            *zip(reversed(positional), reversed(arguments.defaults), strict=False),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ]
        for argument, default in pairs:
            if default is not None and (maker(default) is not None or _is_made(default)):
                yield from _parameter(function, argument.arg)


def _is_made(default: ast.expr) -> bool:
    """Whether a default is an object of a class, made without arguments."""
    return (
        isinstance(default, ast.Call)
        and not default.args
        and not default.keywords
        and isinstance(default.func, ast.Name)
        and default.func.id[:1].isupper()
    )


def _parameter(function: Definition, name: str) -> Iterator[Retention]:
    if _is_replaced_or_shrunk(function, name):
        return
    for site in growth.growths(function, frozenset({name})):
        if site.key is not None and (
            growth.finite(function, site.key) or not growth.from_outside(function, site.key)
        ):
            continue
        yield Retention(
            CODE,
            site.node,
            f"the default of {name} is one object for all calls of {function.node.name}(), and "
            "this adds to it",
            "container",
            0.6,
            steps=(
                (function.node.lineno, f"{name} is made once, when the function is defined"),
                (site.node.lineno, "a call without the argument adds to what is there"),
            ),
        )
        return


def _is_replaced_or_shrunk(function: Definition, name: str) -> bool:
    for node in function.body.nodes:
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
            return True
        if (
            isinstance(node, ast.Attribute)
            and node.attr in _SHRINKS
            and isinstance(node.value, ast.Name)
            and node.value.id == name
        ):
            return True
        if isinstance(node, ast.Delete) and any(
            isinstance(item, ast.Subscript)
            and isinstance(item.value, ast.Name)
            and item.value.id == name
            for item in node.targets
        ):
            return True
    return False
