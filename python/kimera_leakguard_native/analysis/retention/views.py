"""Small views that keep the large object they look into."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

CODE = "KLG208"

_ARRAYS = (b"numpy", b"memoryview(", b"cv2", b"torch", b"imageio", b"skimage", b"cupy")
_ROOTS = frozenset({"numpy", "cv2", "torch", "imageio", "skimage", "cupy", "memoryview", "scipy"})
_SLICE = re.compile(rb"(?:= |append\(|add\(|put\()[^\n=]*\[[^\]\n]*:")
_DICT_VIEW = re.compile(rb"self\.\w+(?:\[[^\]\n]*\])? = (\w+)\.(?:keys|values|items)\(\) *[\r\n#]")
_ADDERS = frozenset({"append", "appendleft", "add", "put", "put_nowait", "insert"})


def find(outline: Outline) -> Iterator[Retention]:
    """Look at slices of arrays that are collected, and at stored views of dictionaries."""
    data = outline.source.data
    if any(word in data for word in _ARRAYS):
        for function in outline.functions_at(match.start() for match in _SLICE.finditer(data)):
            yield from _slices(outline, function)
    for function in outline.functions_at(match.start() for match in _DICT_VIEW.finditer(data)):
        yield from _dict_views(function)


def _slices(outline: Outline, function: Definition) -> Iterator[Retention]:
    body = function.body
    bases = {
        target.id: node.lineno
        for node in body.every(ast.Assign)
        if isinstance(node.value, ast.Call)
        and (outline.qualify(node.value.func) or "").partition(".")[0] in _ROOTS
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if not bases:
        return
    for node in body.nodes:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            place = dotted(target.value) if isinstance(target, ast.Subscript) else dotted(target)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _ADDERS
            and node.args
        ):
            place, value = dotted(node.func.value), node.args[-1]
        else:
            continue
        base = _base_of(value)
        if base is None or base not in bases or place is None or place.partition(".")[0] == base:
            continue
        kept = place.startswith(f"{function.self_name}.") if function.self_name else False
        collected = body.loop_of(node) is not None and isinstance(node, ast.Call)
        if not (kept or (collected and not _made_in_loop(function, node, place))):
            continue
        if collected and not kept and body.loop_of(node) is not _loop_at(function, bases[base]):
            # One array that was there before the loop is kept once, however many views it has.
            continue
        yield Retention(
            CODE,
            body.statement_of(node),
            f"{place} keeps a view of {base}, and so all of {base}",
            "view",
            0.45,
            steps=((bases[base], f"{base} is made here"), (node.lineno, "a slice copies nothing")),
        )


def _base_of(value: ast.expr) -> str | None:
    """Name the array that a plain slice looks into."""
    if not isinstance(value, ast.Subscript) or not isinstance(value.value, ast.Name):
        return None
    parts = value.slice.elts if isinstance(value.slice, ast.Tuple) else [value.slice]
    whole = all(
        isinstance(part, ast.Slice) and part.lower is None and part.upper is None for part in parts
    )
    if whole or not any(isinstance(part, ast.Slice) for part in parts):
        return None
    return value.value.id


def _loop_at(function: Definition, line: int) -> ast.AST | None:
    for node in function.body.every(ast.Assign):
        if node.lineno == line:
            return function.body.loop_of(node)
    return None


def _made_in_loop(function: Definition, node: ast.AST, place: str) -> bool:
    """Whether each pass of the loop has a list of its own."""
    loop = function.body.loop_of(node)
    return any(
        dotted(target) == place and function.body.loop_of(item) is loop
        for item in function.body.every(ast.Assign)
        for target in item.targets
    )


def _dict_views(function: Definition) -> Iterator[Retention]:
    for node in function.body.every(ast.Assign):
        call = node.value
        if not (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr in ("keys", "values", "items")
            and isinstance(call.func.value, ast.Name)
            and not call.args
        ):
            continue
        target = node.targets[0]
        place = dotted(target.value if isinstance(target, ast.Subscript) else target)
        if place is None or not place.startswith(f"{function.self_name}."):
            continue
        base = call.func.value.id
        yield Retention(
            CODE,
            node,
            f"{place} keeps a view of the dictionary {base}, and so all of its keys and values",
            "view",
            0.35,
            steps=((node.lineno, f"{call.func.attr}() copies nothing"),),
        )
