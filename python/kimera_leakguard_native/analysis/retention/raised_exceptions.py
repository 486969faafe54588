"""Exceptions that stay where they were raised from: one object for all, or a local variable.

Raising an exception puts the frame into its traceback. One that the module keeps holds the frames
of each time it was raised; one in a variable of the raising frame is a cycle with that frame.
"""

from __future__ import annotations

import ast
import builtins
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.body import Body
    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

SHARED = "KLG410"
LOCAL = "KLG411"

_RAISES = re.compile(rb"\braise ([\w.]+)[ \t]*(?:from\b[^\n]*)?(?=[\r\n#])")
_CLASS = re.compile(r"(Error|Exception|Exit|Interrupt|Warning|Failure|Timeout)$|^[a-z]*error$")
_GIVES = (ast.Call, ast.Await, ast.Attribute, ast.Subscript)
_MAX_DEPTH = 8


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the statements that raise an object by its name."""
    raising: dict[Definition, None] = {}
    for match in _RAISES.finditer(outline.source.data):
        function = outline.function_at(outline.line_of(match.start()))
        if function is not None:
            raising[function] = None
    if not raising:
        return
    shared = _shared(outline)
    for function in raising:
        for node in function.body.every(ast.Raise):
            place = dotted(node.exc) if node.exc is not None else None
            if place is None:
                continue
            made = shared.get(_without_owner(function, place))
            if made is not None and not _is_local(function.body, place):
                yield _of_module(node, place, made)
            elif "." not in place:
                yield from _of_frame(outline, function, node, place)


def _of_module(node: ast.Raise, place: str, made: int) -> Retention:
    return Retention(
        SHARED,
        node,
        f"{place} is one object for all: each time that it is raised, its traceback keeps the "
        "frames, and so every variable in them",
        "exception",
        0.7,
        steps=((made, f"{place} is made once"), (node.lineno, "this frame joins its traceback")),
    )


def _without_owner(function: Definition, place: str) -> str:
    """Write `self.ERROR` and `cls.ERROR` as `Owner.ERROR`."""
    root, _, rest = place.partition(".")
    if function.owner is not None and rest and root in (function.self_name, "cls"):
        return f"{function.owner.name}.{rest}"
    return place


def _shared(outline: Outline) -> dict[str, int]:
    """Give the exception objects that the module and its classes make, with their lines."""
    groups = [("", outline.statements), *((f"{c.name}.", c.statements) for c in outline.classes)]
    return {
        prefix + target.id: statement.lineno
        for prefix, statements in groups
        for statement in statements
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
        for target in statement.targets
        if isinstance(target, ast.Name) and _makes_exception(outline, statement.value)
    }


def _makes_exception(outline: Outline, call: ast.Call) -> bool:
    name = last_name(call.func) or ""
    bases = {
        one.name: [last_name(base) or "" for base in one.node.bases] for one in outline.classes
    }
    pending = [name]
    for _ in range(_MAX_DEPTH):
        if not pending:
            return False
        name = pending.pop()
        built_in = getattr(builtins, name, None)
        if isinstance(built_in, type):
            return issubclass(built_in, BaseException)
        if name not in bases:
            return _CLASS.search(name) is not None
        pending.extend(bases[name])
    return False


def _is_local(body: Body, name: str) -> bool:
    return any(node.id == name and isinstance(node.ctx, ast.Store) for node in body.every(ast.Name))


def _of_frame(
    outline: Outline, function: Definition, node: ast.Raise, name: str
) -> Iterator[Retention]:
    """Look for `raise result` where a variable of the frame still holds the result."""
    body = function.body
    around = body.function_of(node)
    given: ast.AST | None = None
    for item in body.nodes:
        if not _binds(item, name) or body.function_of(item) is not around:
            continue
        if isinstance(item, (ast.ExceptHandler, ast.Delete)):
            return
        value = getattr(item, "value", None)
        if isinstance(value, ast.Constant) and value.value is None:
            if item.lineno > node.lineno:  # type: ignore[attr-defined]
                return
            continue
        if not isinstance(value, _GIVES) or (
            isinstance(value, ast.Call)
            and _makes_exception(outline, value)
            and not _is_loaded(body, name)
        ):
            # An error that is made here and now holds nothing that its frame would not.
            return
        given = item
    if given is None or _strips(body, name):
        return
    line: int = given.lineno  # type: ignore[attr-defined]
    yield Retention(
        LOCAL,
        node,
        f"{name} is raised and stays in a variable of this frame, which its traceback keeps: a "
        "reference cycle that lives until the garbage collector finds it",
        "cycle",
        0.35,
        steps=((line, f"{name} is bound here"), (node.lineno, f"{name} is never deleted")),
    )


def _is_loaded(body: Body, name: str) -> bool:
    """Whether the function puts something of its own on an error before it raises it."""
    return any(
        isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id == name
        and not target.attr.startswith("__")
        and any(isinstance(item, ast.Name) for item in ast.walk(node.value))
        for node in body.every(ast.Assign)
        for target in node.targets
    )


def _binds(node: ast.AST, name: str) -> bool:
    """Whether a statement binds or deletes a variable."""
    if isinstance(node, ast.ExceptHandler):
        return node.name == name
    targets: list[ast.expr] = []
    if isinstance(node, (ast.Assign, ast.Delete)):
        targets = node.targets
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr, ast.For, ast.AsyncFor)):
        targets = [node.target]
    return any(
        isinstance(item, ast.Name) and item.id == name and not isinstance(item.ctx, ast.Load)
        for target in targets
        for item in ast.walk(target)
    )


def _strips(body: Body, name: str) -> bool:
    return any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "with_traceback"
        and dotted(call.func.value) == name
        for call in body.calls
    )
