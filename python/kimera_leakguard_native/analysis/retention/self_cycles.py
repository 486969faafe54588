"""Objects and functions that hold themselves."""

from __future__ import annotations

import ast
import functools
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import free_names, lets_go, parameters
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.body import Body
    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

BOUND = "KLG414"
RECURSIVE = "KLG415"

# Both begin with a literal, so that the search for it runs at the speed of memory.
_ATTRIBUTE_VALUE = re.compile(rb" = (\w+)\.(\w+)[ \t]*[\r\n#]")
_ATTRIBUTE_TARGET = re.compile(rb"[ \t]+(\w+)\.(\w+)")
_DEFINITION = re.compile(rb" def (\w+)\(")

_SCOPES = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_METHODS = frozenset(
    {"result", "exception", "done", "cancel", "cancelled", "running", "add_done_callback", "close"}
    | {"read", "write", "flush", "send", "recv", "start", "stop", "run", "join", "forward"}
)
"""Methods of futures, files, threads and modules that people put under a second name."""


def find(outline: Outline) -> Iterator[Retention]:
    """Look for the three shapes."""
    yield from _aliases(outline)
    yield from _weak_callbacks(outline)
    yield from _recursive(outline)


def _aliases(outline: Outline) -> Iterator[Retention]:
    data = outline.source.data
    for match in _ATTRIBUTE_VALUE.finditer(data):
        start = data.rfind(b"\n", 0, match.start()) + 1
        target = _ATTRIBUTE_TARGET.fullmatch(data, start, match.start())
        if target is None or target[1] != match[1] or target[2] == match[2]:
            continue
        left, attribute = (part.decode("utf-8", "replace") for part in target.groups())
        method = match[2].decode("utf-8", "replace")
        if left in ("self", "cls") or method.startswith("__"):
            continue
        if method not in _METHODS and b"." + match[2] + b"(" not in data:
            continue
        line = outline.line_of(start)
        function = outline.function_at(line)
        if function is None or _is_class_like(function, left):
            continue
        for statement in function.body.every(ast.Assign):
            if statement.lineno == line:
                yield Retention(
                    BOUND,
                    statement,
                    f"{left}.{attribute} keeps the bound method {left}.{method}, which keeps "
                    f"{left}: a reference cycle",
                    "cycle",
                    0.5,
                    steps=((line, f"a bound method holds {left}"),),
                )
    if b"MethodType" in data or b".__get__(" in data:
        yield from _bound_by_hand(outline)


def _bound_by_hand(outline: Outline) -> Iterator[Retention]:
    """`obj.attr = MethodType(function, obj)`, and the same by way of `__get__`."""
    offsets = (
        match.start() for match in re.finditer(rb"MethodType\(|\.__get__\(", outline.source.data)
    )
    for function in outline.functions_at(offsets):
        for statement in function.body.every(ast.Assign):
            value, target = statement.value, statement.targets[0]
            if not isinstance(value, ast.Call) or not isinstance(target, ast.Attribute):
                continue
            name = last_name(value.func)
            bound = None
            if name == "MethodType" and len(value.args) == 2:
                bound = dotted(value.args[1])
            elif name == "__get__" and value.args:
                bound = dotted(value.args[0])
            if bound is None or bound != dotted(target.value) or _is_class_like(function, bound):
                continue
            yield Retention(
                BOUND,
                statement,
                f"{bound}.{target.attr} keeps a method that is bound to {bound}: a reference cycle",
                "cycle",
                0.4,
                steps=((statement.lineno, f"a bound method holds {bound}"),),
            )


def _is_class_like(function: Definition, name: str) -> bool:
    return (
        name in ("cls", "klass", "self")
        or name[:1].isupper()
        or (function.owner is not None and name == function.owner.name)
    )


def _weak_callbacks(outline: Outline) -> Iterator[Retention]:
    """`self.refs = [weakref.ref(x, self.gone)]`: the reference's callback holds its owner."""
    data = outline.source.data
    if b"weakref" not in data:
        return
    offsets = (match.start() for match in re.finditer(rb"\b(?:ref|proxy)\(", data))
    for function in outline.functions_at(offsets):
        instance = function.self_name
        if instance is None:
            continue
        for call in function.body.calls:
            if outline.qualify(call.func) not in ("weakref.ref", "weakref.proxy"):
                continue
            if len(call.args) < 2:
                continue
            callback = call.args[1]
            methods = function.owner.methods if function.owner is not None else {}
            bound = (
                isinstance(callback, ast.Attribute)
                and dotted(callback.value) == instance
                and callback.attr in methods
            )
            closed = isinstance(callback, ast.Lambda) and instance in free_names(callback)
            if (bound or closed) and _kept_on(function, call, instance):
                yield Retention(
                    BOUND,
                    call,
                    f"{instance} keeps a weak reference whose callback keeps {instance}: a "
                    "reference cycle",
                    "cycle",
                    0.5,
                    steps=((call.lineno, f"the callback holds {instance}"),),
                )


def _kept_on(function: Definition, call: ast.Call, instance: str) -> bool:
    statement = function.body.statement_of(call)
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return any(_root(target) == instance for target in targets)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        outer = statement.value
        return outer is not call and _root(outer.func) == instance
    return False


def _root(node: ast.expr) -> str | None:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _recursive(outline: Outline) -> Iterator[Retention]:
    """Look for nested functions that call themselves: they keep all that they capture."""
    data = outline.source.data
    found: dict[Definition, None] = {}
    for match in _DEFINITION.finditer(data):
        line = outline.line_of(match.start())
        function = outline.function_at(line)
        if function is None or function.node.lineno >= line:
            continue
        if data.find(match[1], match.end(), _end_of_block(data, match)) > 0:
            found[function] = None
    for function in found:
        if _makes_functions(function):
            continue
        arguments = set(parameters(function.node)) - {"self", "cls"}
        for node in function.body.every(ast.FunctionDef):
            if function.body.function_of(node) is not function.node or _is_method(
                function.body, node
            ):
                continue
            free = free_names(node)
            if node.name not in free or lets_go(function.body.nodes, node.name):
                continue
            captured = sorted(free & arguments)
            names = ", ".join(captured) or "its closure"
            yield Retention(
                RECURSIVE,
                node,
                f"{node.name}() refers to itself and so keeps {names} after "
                f"{function.node.name}() has returned, until the garbage collector runs",
                "cycle",
                0.4 if captured else 0.3,
                steps=((node.lineno, f"the closure holds {', '.join([node.name, *captured])}"),),
            )


def _is_method(body: Body, node: ast.FunctionDef) -> bool:
    """Whether a name belongs to a class, where the function itself does not see it."""
    inner = next(item for item in body.around(node) if isinstance(item, _SCOPES))
    return isinstance(inner, ast.ClassDef)


def _end_of_block(data: bytes, definition: re.Match[bytes]) -> int:
    """Give where the first line starts that is indented no deeper than a definition."""
    depth = definition.start() - data.rfind(b"\n", 0, definition.start())
    found = _dedent(depth).search(data, definition.end())
    return found.start() if found else len(data)


@functools.lru_cache(maxsize=64)
def _dedent(depth: int) -> re.Pattern[bytes]:
    # A closing parenthesis ends the head of the definition, not its body.
    return re.compile(rb"\n {0,%d}[^ \r\n#)]" % depth)


def _makes_functions(function: Definition) -> bool:
    """Whether a nested function is what the function returns: it is meant to live on."""
    nested = {node.name for node in function.body.every(ast.FunctionDef)}
    return any(
        isinstance(node.value, ast.Name) and node.value.id in nested
        for node in function.body.every(ast.Return)
        if function.body.function_of(node) is function.node
    )
