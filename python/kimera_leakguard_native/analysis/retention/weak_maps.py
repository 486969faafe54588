"""Weak maps whose values hold their own keys."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import free_names
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import (
        ClassOutline,
        Definition,
        Outline,
    )

CODE = "KLG209"

_CLASS = re.compile(r"(^|_)(cls|class|klass|type|factory|wrapper|proxy|adapter)$")
_MAP = re.compile(rb"(\w+)(?:: ?[^=\n]+)? = (?:\w+\.)?WeakKeyDictionary\(")


def find(outline: Outline) -> Iterator[Retention]:
    """Look at what is stored in every WeakKeyDictionary of a file."""
    data = outline.source.data
    if b"WeakKeyDictionary" not in data:
        return
    for name in dict.fromkeys(match[1] for match in _MAP.finditer(data)):
        stores = re.compile(rb"\b" + re.escape(name) + rb"(?:\[|\.setdefault\()")
        offsets = (match.start() for match in stores.finditer(data))
        for function in outline.functions_at(offsets):
            yield from _stores(outline, function, name.decode("utf-8", "replace"))


def _stores(outline: Outline, function: Definition, name: str) -> Iterator[Retention]:
    for node in function.body.nodes:
        target = _subscript(node)
        if isinstance(node, ast.Assign) and target is not None:
            place, key, value = target.value, dotted(target.slice), node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "setdefault"
            and len(node.args) == 2
        ):
            place, key, value = node.func.value, dotted(node.args[0]), node.args[1]
        else:
            continue
        if key is None or (dotted(place) or "").rpartition(".")[2] != name:
            continue
        sure = _holds(outline, function, _bound_to(function, value), key)
        if sure is None:
            continue
        assert isinstance(node, (ast.stmt, ast.expr))
        holds = "holds" if sure else "probably holds"
        yield Retention(
            CODE,
            node,
            f"the value stored under {key} {holds} {key}, so the weak map {name} never drops it",
            "container",
            0.85 if sure else 0.4,
            evident=sure,
            steps=((node.lineno, f"{name} holds its values, and this value holds its key"),),
        )


def _subscript(node: ast.AST) -> ast.Subscript | None:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return next((item for item in targets if isinstance(item, ast.Subscript)), None)


def _bound_to(function: Definition, value: ast.expr) -> ast.expr:
    """Look through a variable that is bound once."""
    if isinstance(value, ast.Name):
        bound = [
            node.value
            for node in function.body.every(ast.Assign)
            if any(isinstance(item, ast.Name) and item.id == value.id for item in node.targets)
        ]
        if len(bound) == 1:
            return bound[0]
    return value


def _nested(function: Definition, value: ast.expr) -> ast.FunctionDef | None:
    """Give the nested function that a variable names."""
    name = value.id if isinstance(value, ast.Name) else None
    return next((item for item in function.body.every(ast.FunctionDef) if item.name == name), None)


def _is_running_loop(function: Definition, key: str) -> bool:
    """Whether a key is the event loop of the caller, which most objects of a loop refer to."""
    return any(
        isinstance(node.value, ast.Call)
        and last_name(node.value.func) in ("get_running_loop", "get_event_loop")
        and any(dotted(target) == key for target in node.targets)
        for node in function.body.every(ast.Assign)
    )


def _holds(outline: Outline, function: Definition, value: ast.expr, key: str) -> bool | None:
    """Say whether a value holds the key: True for sure, False perhaps, None not to be seen."""
    if dotted(value) == key:
        return True
    if isinstance(value, ast.Attribute) and dotted(value.value) == key:
        return True if _is_method(function, value.attr, key) else None
    made_here = value if isinstance(value, ast.Lambda) else _nested(function, value)
    if made_here is not None:
        return True if key in free_names(made_here) else None
    if isinstance(value, (ast.Tuple, ast.List)):
        return True if any(dotted(item) == key for item in value.elts) else None
    if isinstance(value, ast.Call):
        arguments = [*value.args, *(item.value for item in value.keywords)]
        name = last_name(value.func)
        if not any(dotted(item) == key for item in arguments):
            is_class = name is not None and name[:1].isupper()
            return False if is_class and _is_running_loop(function, key) else None
        if name == "partial":
            return True
        made = next((one for one in outline.classes if one.name == name), None)
        if made is not None:
            place = next(i for i, item in enumerate(arguments) if dotted(item) == key)
            return True if _keeps(made, place) else None
        return False if name and (name[:1].isupper() or _CLASS.search(name)) else None
    return None


def _is_method(function: Definition, name: str, key: str) -> bool:
    owner = function.owner
    if owner is None or key != function.self_name or name not in owner.methods:
        return False
    return "property" not in owner.methods[name].decorators()


def _keeps(made: ClassOutline, place: int) -> bool:
    """Whether a class stores what its constructor is called with on the instance, as it is."""
    init = made.methods.get("__init__")
    if init is None:
        return False
    names = [item.arg for item in (*init.node.args.posonlyargs, *init.node.args.args)][1:]
    if place >= len(names):
        return False
    return any(
        isinstance(node.value, ast.Name)
        and node.value.id == names[place]
        and isinstance(node.targets[0], ast.Attribute)
        for node in init.body.every(ast.Assign)
    )
