"""Attributes that lead back to their own object: itself, a closure around it, a part of it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import free_names, parameters
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.lifetimes import ENDS
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import (
        ClassOutline,
        Definition,
        Outline,
    )

CLOSURE = "KLG414"
PART = "KLG416"

# All begin with a literal, so that the search for them runs at the speed of memory.
_SELF = re.compile(rb" = self[ \t]*[\r\n#]")
_METHOD = re.compile(rb" = self\.(\w+)[ \t]*[\r\n#]")
_LAMBDA = re.compile(rb" = lambda\b")
_NAME = re.compile(rb" = (\w+)[ \t]*[\r\n#]")
_NESTED = re.compile(rb"\n {4,}(?:async )?def (\w+)\(")
_ADDERS = frozenset({"append", "appendleft", "add", "insert", "setdefault"})
_DEEPEST = 2
"""Attributes in a chain: those of the object itself, and of its parts."""
_CLASS_LIKE = re.compile(r"^(cls|klass|type|module|mod)$|^[A-Z]")


def find(outline: Outline) -> Iterator[Retention]:
    """Look for the assignments, and at what is assigned."""
    data = outline.source.data
    offsets = [match.start() for match in _SELF.finditer(data)]
    for function in outline.functions_at(iter(offsets)):
        if function.self_name == "self":
            yield from _itself(outline, function)
    methods = {name.encode() for one in outline.classes for name in one.methods}
    offsets = [match.start() for match in _METHOD.finditer(data) if match[1] in methods]
    for function in outline.functions_at(iter(offsets)):
        if function.self_name == "self" and function.owner is not None:
            yield from _own_methods(function, function.owner)
    nested = {match[1] for match in _NESTED.finditer(data)}
    offsets = [match.start() for match in _LAMBDA.finditer(data)]
    offsets += [match.start() for match in _NAME.finditer(data) if match[1] in nested]
    for function in outline.functions_at(iter(sorted(offsets))):
        yield from _closures(outline, function)


def _itself(outline: Outline, function: Definition) -> Iterator[Retention]:
    """Look for `self.root = self`, and for parts of the instance that are told who owns them."""
    for node in function.body.every(ast.Assign):
        if not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            continue
        for target in node.targets:
            place = dotted(target)
            if (
                place is None
                or "." not in place
                or function.body.function_of(node) is not (function.node)
            ):
                continue
            holder, _, name = place.rpartition(".")
            if holder == "self":
                if _let_go(outline, function, node, name) or name == "__dict__":
                    continue
                yield Retention(
                    PART,
                    node,
                    f"{place} is the object itself: a reference cycle",
                    "cycle",
                    0.4,
                    steps=((node.lineno, f"{place} holds its own object"),),
                )
            elif (kept := _part_of(function, holder, node)) is not None:
                if _let_go(outline, function, node, name):
                    continue
                yield Retention(
                    PART,
                    node,
                    f"{holder} belongs to self and keeps self as its {name}: a reference cycle",
                    "cycle",
                    0.3,
                    steps=(kept, (node.lineno, f"{place} holds self")),
                )


def _part_of(function: Definition, holder: str, node: ast.Assign) -> tuple[int, str] | None:
    """Say where the instance keeps an object, by an attribute or in a container of its own."""
    if holder.startswith("self."):
        return (node.lineno, f"self keeps {holder}") if holder.count(".") == 1 else None
    if "." in holder or holder in ("self", "cls") or _CLASS_LIKE.search(holder):
        return None
    for item in function.body.nodes:
        value: ast.expr | None = None
        place: ast.expr | None = None
        if isinstance(item, ast.Assign):
            value, place = item.value, item.targets[0]
        elif (
            isinstance(item, ast.Call)
            and isinstance(item.func, ast.Attribute)
            and item.func.attr in _ADDERS
            and item.args
        ):
            value, place = item.args[-1], item.func.value
        if not (isinstance(value, ast.Name) and value.id == holder):
            continue
        while isinstance(place, ast.Subscript):
            place = place.value
        if place is not None and (dotted(place) or "").startswith("self."):
            line: int = item.lineno  # type: ignore[attr-defined]
            return line, f"{dotted(place)} keeps {holder}"
    return None


def _let_go(outline: Outline, function: Definition, node: ast.Assign, attribute: str) -> bool:
    """Whether something other than a constructor deletes the attribute, or binds it anew."""
    pattern = re.compile(
        rb"\bdel +[\w.]*\.%(n)s\b|(?<![\w.])[\w.]+\.%(n)s *(?::[^=\n]+)?=(?!=)"
        rb"|\b(?:set|del)attr\([^\n]*[\"']%(n)s[\"']" % {b"n": re.escape(attribute.encode())}
    )
    for match in pattern.finditer(outline.source.data):
        line = outline.line_of(match.start())
        other = outline.function_at(line)
        if line == node.lineno or other is None or other.node.name == "__init__":
            continue
        if other.owner is function.owner or not match[0].startswith(b"self."):
            return True
    return False


def _own_methods(function: Definition, owner: ClassOutline) -> Iterator[Retention]:
    """Look for `self.write = self.write_text`, and for `self.part.on_end = self.ended`."""
    endings = [method for name, method in owner.methods.items() if ENDS.search(name)]
    for node in function.body.every(ast.Assign):
        place, value = dotted(node.targets[0]) or "", dotted(node.value) or ""
        method = owner.methods.get(value.partition("self.")[2])
        root, *names = place.split(".")
        if method is None or root != "self" or not 1 <= len(names) <= _DEEPEST:
            continue
        if method.node.decorator_list or function in endings:
            continue
        # Whoever lets go of the part lets go of what it holds.
        if any(_mentions(one, name) for one in endings for name in names):
            continue
        end = f" that {endings[0].node.name}() does not break" if endings else ""
        steps = [(node.lineno, "a bound method holds self")]
        if endings:
            steps.append((endings[0].node.lineno, f"{endings[0].node.name}() leaves it in place"))
        yield Retention(
            CLOSURE,
            node,
            f"{place} keeps the bound method {value}, which keeps self: a reference cycle{end}",
            "cycle",
            0.35 if endings else 0.25,
            steps=tuple(steps),
        )


def _mentions(method: Definition, attribute: str) -> bool:
    return any(
        node.attr == attribute and not isinstance(node.ctx, ast.Load)
        for node in method.body.every(ast.Attribute)
    )


def _closures(outline: Outline, function: Definition) -> Iterator[Retention]:
    """Look for `x.attr = lambda: … x …`, and for a nested function in place of the lambda."""
    body = function.body
    for node in body.every(ast.Assign):
        target, value = node.targets[0], node.value
        if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
            continue
        holder = target.value.id
        if _CLASS_LIKE.search(holder) or not _is_object(function, holder):
            continue
        made: ast.AST | None = value if isinstance(value, ast.Lambda) else None
        if isinstance(value, ast.Name):
            made = next(
                (
                    item
                    for item in body.every(ast.FunctionDef)
                    if item.name == value.id and body.function_of(item) is body.function_of(node)
                ),
                None,
            )
        if not isinstance(made, (ast.Lambda, ast.FunctionDef)) or holder not in free_names(made):
            continue
        if _let_go(outline, function, node, target.attr):
            continue
        what = "a lambda" if isinstance(made, ast.Lambda) else f"{value.id}()"  # type: ignore[attr-defined]
        yield Retention(
            CLOSURE,
            node,
            f"{holder}.{target.attr} keeps {what}, which takes {holder} from around it: a "
            "reference cycle",
            "cycle",
            0.5,
            steps=(
                (made.lineno, f"{what} holds {holder}"),
                (node.lineno, f"{holder} holds {what}"),
            ),
        )


def _is_object(function: Definition, name: str) -> bool:
    """Whether a variable is an object of this frame: no function, class or module."""
    body = function.body
    if name in parameters(function.node):
        # What a decorator is given, or a patched class, lives as long as the program anyway.
        return name == function.self_name
    if any(
        isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and item.name == name
        for item in body.nodes
    ):
        return False
    bound = [
        item.value
        for item in body.every(ast.Assign)
        if any(isinstance(target, ast.Name) and target.id == name for target in item.targets)
    ]
    return bool(bound) and all(
        isinstance(value, ast.Call)
        and last_name(value.func) not in ("type", "wraps", "import_module")
        for value in bound
    )
