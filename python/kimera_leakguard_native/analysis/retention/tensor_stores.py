"""Tensors that metrics and accumulators keep with the graph of the batch they came from."""

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

SUMMED = "KLG310"
COLLECTED = "KLG311"

_BATCHES = re.compile(
    r"^_*(update|accumulate|collect|record|observe|add_batch|add|append|process|log|track|store)(_|$)"
    r"|_(step|batch_end|batch|update)$|^iteration_completed$|^on_\w*(batch|step)\w*$"
)
_MODULE = re.compile(r"Module$|^Function$|Layer$|Model$|Block$|Loss$")
_TENSOR_METHODS = frozenset(
    {"clone", "cpu", "cuda", "to", "squeeze", "unsqueeze", "view", "reshape", "flatten", "float"}
    | {"contiguous", "half", "double", "mean", "sum", "softmax", "sigmoid"}
)
_ONLY_TENSORS = frozenset({"clone", "cpu", "cuda", "unsqueeze", "contiguous", "half", "view"})
_LETS_GO = frozenset({"detach", "detach_", "item", "tolist", "numpy", "data", "requires_grad_"})
_NO_GRAPH = re.compile(rb"no_grad|inference_mode|set_grad_enabled")


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the methods that are called with every batch, and at sums over batches."""
    data = outline.source.data
    if b"import torch" not in data and b"from torch" not in data:
        return
    for function in outline.functions:
        if _NO_GRAPH.search(_text(outline, function)) or _detaches(function):
            continue
        owner = function.owner
        if owner is not None and function.self_name is not None:
            is_module = any(_MODULE.search(last_name(base) or "") for base in owner.node.bases)
            if not is_module and _BATCHES.search(function.node.name):
                yield from _kept(outline, function, function.self_name)
        if "batch" in function.node.name:
            yield from _summed(function)


def _text(outline: Outline, function: Definition) -> bytes:
    starts = outline.line_starts
    first = min([function.node.lineno, *(one.lineno for one in function.node.decorator_list)])
    last = min(function.node.end_lineno or 0, len(starts) - 1)
    return outline.source.data[starts[first - 1] : starts[last]]


def _detaches(function: Definition) -> bool:
    return any(node.attr in _LETS_GO for node in function.body.every(ast.Attribute))


def _kept(outline: Outline, function: Definition, instance: str) -> Iterator[Retention]:
    """Look for `self.outputs.append(output.clone())`, with an output that the method is given."""
    given = _given(function)
    tensors = _annotated(function)
    for call in function.body.calls:
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in ("append", "extend"):
            continue
        place = dotted(call.func.value)
        if place is None or not place.startswith(f"{instance}.") or not call.args:
            continue
        name = _tensor(call.args[0], given, tensors)
        if name is None or _is_window(outline, place.partition(".")[2]):
            continue
        yield Retention(
            COLLECTED,
            function.body.statement_of(call),
            f"{place} keeps {name} of every batch with the graph that computed it, if it has one",
            "gradient",
            0.45,
            steps=(
                (function.node.lineno, f"{function.node.name}() is called with every batch"),
                (call.lineno, f"{name} is not detached"),
            ),
        )


def _is_window(outline: Outline, attribute: str) -> bool:
    """Whether the list is cut to its last entries."""
    pattern = rb"\.%(n)s = \w+\.%(n)s\[|\.%(n)s\.pop\(|\bdel \w+\.%(n)s\["
    return (
        re.search(pattern % {b"n": re.escape(attribute.encode())}, outline.source.data) is not None
    )


def _given(function: Definition) -> set[str]:
    """Give the parameters, and what is unpacked or computed from them."""
    names = set(parameters(function.node)) - {function.self_name or ""}
    for node in function.body.every(ast.Assign):
        used = {item.id for item in ast.walk(node.value) if isinstance(item, ast.Name)}
        if used & names:
            for target in node.targets:
                names |= {item.id for item in ast.walk(target) if isinstance(item, ast.Name)}
    return names


def _annotated(function: Definition) -> set[str]:
    arguments = function.node.args
    return {
        item.arg
        for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        if item.annotation is not None
        and (last_name(item.annotation) or "") in ("Tensor", "FloatTensor")
    }


def _tensor(value: ast.expr, given: set[str], tensors: set[str]) -> str | None:
    """Name the variable, if a value is that tensor or made of it by the tensor's own methods."""
    if isinstance(value, ast.Name):
        return value.id if value.id in tensors else None
    sure = False
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr not in _TENSOR_METHODS:
            return None
        sure = sure or value.func.attr in _ONLY_TENSORS
        value = value.func.value
    while isinstance(value, ast.Subscript):
        value = value.value
    if not isinstance(value, ast.Name) or value.id not in given:
        return None
    return value.id if sure or value.id in tensors else None


def _summed(function: Definition) -> Iterator[Retention]:
    """Look for `total = total + part` over batches, where the total is known to be a tensor."""
    body = function.body
    known = {
        call.args[0].id
        for call in body.calls
        if last_name(call.func) == "isinstance"
        and len(call.args) == 2
        and isinstance(call.args[0], ast.Name)
        and "Tensor" in ast.unparse(call.args[1])
    }
    for call in body.calls:
        if last_name(call.func) in ("backward", "grad", "manual_backward"):
            return
    for node in body.nodes:
        if not isinstance(node, (ast.Assign, ast.AugAssign)):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        loop = body.loop_of(node)
        if loop is None or not isinstance(target, ast.Name) or target.id not in known:
            continue
        part = _added(node, target.id)
        if part is None or not _computed_in(function, loop, part):
            continue
        yield Retention(
            SUMMED,
            node,
            f"{target.id} adds up {part} of every batch with its graph: nothing is detached",
            "gradient",
            0.35,
            steps=((loop.lineno, "each pass computes a new graph"), (node.lineno, "added here")),
        )


def _added(node: ast.Assign | ast.AugAssign, total: str) -> str | None:
    """Name what a statement adds to a total."""
    if isinstance(node, ast.AugAssign):
        found = node.value if isinstance(node.op, ast.Add) else None
        return found.id if isinstance(found, ast.Name) else None
    value = node.value
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
        return None
    names = [item.id for item in (value.left, value.right) if isinstance(item, ast.Name)]
    if len(names) == 2 and total in names:
        return names[0] if names[1] == total else names[1]
    return None


def _computed_in(function: Definition, loop: ast.AST, name: str) -> bool:
    return any(
        isinstance(node.value, ast.Call)
        and any(isinstance(item, ast.Name) and item.id == name for item in node.targets)
        and loop in function.body.around(node)
        for node in function.body.every(ast.Assign)
    )
