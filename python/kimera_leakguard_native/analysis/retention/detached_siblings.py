"""Tensors that go out with their graph beside others that are detached, and into a context."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import parameters
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

COLLECTED = "KLG311"

_HINT = re.compile(rb"\.detach\(\)|\.item\(\)")
_CONTEXT = re.compile(rb"def forward\(\s*(\w+)\s*,")
_LETS_GO = frozenset({"detach", "item", "tolist", "numpy"})
_KEEPS = frozenset(
    {"mean", "sum", "cpu", "cuda", "to", "clone", "view", "reshape", "squeeze", "unsqueeze", "abs"}
    | {"float", "half", "flatten", "std", "var", "max", "min"}
)
_OF_TENSORS = frozenset({"cpu", "cuda", "clone", "mean", "view", "squeeze", "unsqueeze", "flatten"})
_MAKES = re.compile(
    r"^(exp|log|matmul|mm|bmm|einsum|where|stack|cat|softmax|log_softmax|sigmoid|tanh|relu|clamp"
    r"|masked_mean|mean|sum|sqrt|logsigmoid|gather|new_\w+|\w+_like|normal_|cross_entropy|mse_loss"
    r"|[a-z_]*loss)$"
)
_FEWEST = 3
"""Entries that must be detached before one that is not looks forgotten."""


def find(outline: Outline) -> Iterator[Retention]:
    """Look at tables of numbers, and at the contexts of autograd functions."""
    data = outline.source.data
    if b"torch" not in data:
        return
    for function in outline.functions_at(match.start() for match in _HINT.finditer(data)):
        yield from _forgotten(function)
    for function in outline.functions_at(match.end() for match in _CONTEXT.finditer(data)):
        owner = function.owner
        if owner is not None and any(
            (last_name(base) or "").endswith("Function") for base in owner.node.bases
        ):
            yield from _on_context(function)


def _forgotten(function: Definition) -> Iterator[Retention]:
    """Look for the one value among the detached ones of a table that keeps its graph."""
    tables: dict[str, list[ast.expr]] = {}
    for node in function.body.nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            place = dotted(node.targets[0].value)
            if place is not None:
                tables.setdefault(place, []).append(node.value)
    groups = [*tables.values(), *_displays(function)]
    for values in groups:
        detached = [value for value in values if _is_detached(value)]
        if len(detached) < _FEWEST:
            continue
        for value in values:
            name = _tensor(function, value)
            if name is None:
                continue
            yield Retention(
                COLLECTED,
                value,
                f"{name} keeps the graph that computed it, in a table whose other values are "
                "detached",
                "gradient",
                0.55,
                steps=(
                    (detached[0].lineno, "a value beside it is detached"),
                    (value.lineno, f"{name} is neither detached nor turned into a number"),
                ),
            )


def _displays(function: Definition) -> Iterator[list[ast.expr]]:
    """Give the values of `dict(…)` calls and of displays, of those inside of them too."""
    inner: set[ast.AST] = set()
    for node in function.body.nodes:
        if node in inner or not isinstance(node, (ast.Dict, ast.Call)):
            continue
        values: list[ast.expr] = []
        pending: list[ast.AST] = [node]
        while pending:
            item = pending.pop()
            below = item.values if isinstance(item, ast.Dict) else []
            if isinstance(item, ast.Call) and last_name(item.func) == "dict":
                below = [one.value for one in item.keywords]
            elif isinstance(item, ast.expr) and not isinstance(item, ast.Dict):
                values.append(item)
            inner.add(item)
            pending.extend(below)
        if values != [node]:
            yield values


def _is_detached(value: ast.expr) -> bool:
    return any(
        isinstance(item, ast.Call)
        and isinstance(item.func, ast.Attribute)
        and item.func.attr in _LETS_GO
        for item in ast.walk(value)
    )


def _tensor(function: Definition, value: ast.expr) -> str | None:
    """Name the variable, if a value is a tensor that this function computes, or made of one."""
    sure = False
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr not in _KEEPS:
            return None
        sure = sure or value.func.attr in _OF_TENSORS
        value = value.func.value
    if not isinstance(value, ast.Name):
        return None
    bound = _bound(function, value.id)
    if any(_is_detached(one) for one in bound):
        return None
    made_here = any(_makes_tensor(one) for one in bound)
    return value.id if made_here or (bound and sure and _in_loss(function, value.id)) else None


def _in_loss(function: Definition, name: str) -> bool:
    """Whether what the function returns or differentiates is computed from a variable."""
    body = function.body
    results = {
        item.id
        for node in (*body.every(ast.Return), *(one.func for one in body.calls))
        for item in _results(node)
        if isinstance(item, ast.Name)
    }
    return name in results or any(
        any(isinstance(item, ast.Name) and item.id == name for item in ast.walk(node.value))
        and any(isinstance(item, ast.Name) and item.id in results for item in node.targets)
        for node in body.every(ast.Assign)
        if not isinstance(node.value, (ast.Dict, ast.List))
    )


def _results(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Attribute):
        return [node.value] if node.attr == "backward" else []
    value = node.value if isinstance(node, ast.Return) else None
    if isinstance(value, ast.Tuple):
        return value.elts
    return [value] if value is not None else []


def _bound(function: Definition, name: str) -> list[ast.expr]:
    return [
        node.value
        for node in function.body.every(ast.Assign)
        if any(
            isinstance(item, ast.Name) and item.id == name
            for target in node.targets
            for item in (target.elts if isinstance(target, ast.Tuple) else [target])
        )
    ]


def _makes_tensor(value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp):
        return _makes_tensor(value.left) or _makes_tensor(value.right)
    return isinstance(value, ast.Call) and _MAKES.match(last_name(value.func) or "") is not None


def _on_context(function: Definition) -> Iterator[Retention]:
    """Look for `ctx.name = tensor`, which `save_for_backward` is there for."""
    names = parameters(function.node)
    if not names or function.self_name is not None:
        return
    context, given = names[0], set(names[1:])
    computed = {
        target.id
        for node in function.body.every(ast.Assign)
        if _makes_tensor(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    returned = {
        node.value.id
        for node in function.body.every(ast.Return)
        if isinstance(node.value, ast.Name)
    }
    for node in function.body.every(ast.Assign):
        place, value = dotted(node.targets[0]), node.value
        if place is None or not place.startswith(f"{context}."):
            continue
        name = value.id if isinstance(value, ast.Name) else None
        if not (_makes_tensor(value) or name in computed or (name in given and name in returned)):
            continue
        yield Retention(
            COLLECTED,
            node,
            f"{place} keeps a tensor that save_for_backward() does not know: with an input or the "
            "result that is a cycle, which the graph never frees",
            "gradient",
            0.45,
            steps=((node.lineno, f"{context} lives as long as the graph"),),
        )
