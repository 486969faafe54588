"""Caches of `functools` that keep instances, or that grow with every new callable."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.lifetimes import (
    ENDS,
    few_instances,
    made_at,
    made_once,
)
from kimera_leakguard_native.analysis.retention.outline import last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import (
        ClassOutline,
        Definition,
        Outline,
    )

METHOD = "KLG201"
OBJECTS = "KLG202"

_CALLABLE_NAMES = frozenset(
    {"f", "fn", "func", "function", "callback", "cb", "callable_", "callable", "method", "handler"}
    | {"coro_func", "coroutine_function", "wrapped", "factory", "fun", "proc"}
)
_OBJECT_NAMES = frozenset(
    {"obj", "object", "instance", "inst", "self", "request", "session", "connection", "conn"}
    | {"engine", "client", "module", "model", "frame", "thread", "task", "loop", "value", "node"}
)
_FINITE_TYPES = frozenset(
    {"str", "int", "bool", "float", "bytes", "type", "Type", "Path", "PurePath", "None", "tuple"}
    | {"Literal", "UUID", "date", "datetime", "Decimal", "Enum", "LiteralString"}
)


def find(outline: Outline) -> Iterator[Retention]:
    """Look at every decorated function of a file."""
    if b"cache" not in outline.source.data:
        return
    for function in outline.functions:
        for decorator in function.node.decorator_list:
            size = _size(outline, decorator)
            if size == 0:
                continue
            if function.owner is not None:
                yield from _method(outline, function, function.owner, decorator, size)
            elif size is None:
                yield from _function(outline, function, decorator)
            break
    yield from _assigned(outline)


def _assigned(outline: Outline) -> Iterator[Retention]:
    """Look for `name = lru_cache(None)(name)` in the body of a class."""
    for owner in outline.classes:
        for statement in owner.statements:
            call = statement.value if isinstance(statement, ast.Assign) else None
            if not isinstance(call, ast.Call) or len(call.args) != 1:
                continue
            function = owner.methods.get(last_name(call.args[0]) or "")
            size = _size(outline, call.func)
            if function is not None and size != 0:
                yield from _method(outline, function, owner, call, size)


def _size(outline: Outline, decorator: ast.expr) -> int | None:
    """Give how many results a cache keeps: None without a limit, 0 where it is no cache."""
    call = decorator if isinstance(decorator, ast.Call) else None
    name = outline.qualify(call.func if call else decorator) or ""
    package, _, stem = name.rpartition(".")
    if name in ("functools.cache", "cachetools.func.cache"):
        return None
    if call is not None and name in ("cachetools.cached", "cachetools.func.cached"):
        return None if _is_plain_dict(call) else 0
    # That of methodtools belongs to each instance.
    if stem not in ("lru_cache", "alru_cache") or package.startswith("methodtools"):
        return 0
    given: ast.expr | None = None
    if call is not None:
        given = call.args[0] if call.args else None
        given = next((item.value for item in call.keywords if item.arg == "maxsize"), given)
    if given is None:
        return 128
    if isinstance(given, ast.Constant):
        if given.value is None:
            return None
        return given.value if isinstance(given.value, int) else 128
    return 128


def _is_plain_dict(call: ast.Call) -> bool:
    """Whether a cache of cachetools is a plain dictionary: that has no limit, and no other key."""
    given = call.args[0] if call.args else None
    given = next((item.value for item in call.keywords if item.arg == "cache"), given)
    own_key = len(call.args) > 1 or any(item.arg == "key" for item in call.keywords)
    return not own_key and (
        (isinstance(given, ast.Dict) and not given.keys)
        or (isinstance(given, ast.Call) and last_name(given.func) == "dict")
    )


def _cleared(outline: Outline, name: str) -> bool:
    return name.encode() + b".cache_clear" in outline.source.data


def _cleared_on_the_way(outline: Outline, owner: ClassOutline, name: str) -> bool:
    """Whether only methods of the class clear a cache, and none of them at an instance's end."""
    pattern = re.compile(rb"\b%b\.cache_clear" % re.escape(name.encode()))
    for match in pattern.finditer(outline.source.data):
        function = outline.function_at(outline.line_of(match.start()))
        if function is None or function.owner is not owner or ENDS.search(function.node.name):
            return False
    return True


def _method(
    outline: Outline,
    function: Definition,
    owner: ClassOutline,
    decorator: ast.expr,
    size: int | None,
) -> Iterator[Retention]:
    instance, name = function.self_name, function.node.name
    if instance is None or instance == "cls" or few_instances(owner):
        return
    cleared = _cleared(outline, name)
    if cleared and not _cleared_on_the_way(outline, owner, name):
        return
    if made_once(outline, owner) or (size is not None and _is_value(owner)):
        return
    line = made_at(outline, owner) if size is None and not cleared else None
    many = "every instance" if size is None else f"up to {size} instances"
    steps = [(decorator.lineno, f"the key of the cache holds {instance}")]
    if line is not None:
        steps.append((line, f"a function makes instances of {owner.name}"))
    yield Retention(
        METHOD,
        decorator,
        f"the cache of {name}() is shared by the class and keeps {many} of {owner.name} alive",
        "cache",
        0.85 if line is not None else 0.3 if cleared else 0.6 if size is None else 0.4,
        evident=line is not None,
        steps=tuple(steps),
        unless_shrunk=((None, name),),
    )


def _is_value(owner: ClassOutline) -> bool:
    """Whether instances are values that are equal to others of the same content."""
    if any(last_name(base) == "NamedTuple" for base in owner.node.bases):
        return True
    return any(
        isinstance(item, ast.Call)
        and any(
            word.arg == "frozen"
            and isinstance(word.value, ast.Constant)
            and word.value.value is True
            for word in item.keywords
        )
        for item in owner.node.decorator_list
    )


def _function(outline: Outline, function: Definition, decorator: ast.expr) -> Iterator[Retention]:
    name = function.node.name
    arguments = function.node.args
    if _cleared(outline, name):
        return
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        what = _kept_by(function, argument)
        if what is None:
            continue
        yield Retention(
            OBJECTS,
            decorator,
            f"the cache of {name}() has no limit and keeps every {what} that it was called with",
            "cache",
            0.5,
            steps=((function.node.lineno, f"{argument.arg} is part of the key"),),
            unless_shrunk=((None, name),),
        )
        return


def _kept_by(function: Definition, argument: ast.arg) -> str | None:
    """Say what kind of object a parameter is, if a cache should not keep it."""
    name = argument.arg
    annotation = argument.annotation
    if annotation is not None:
        words = {
            part
            for item in ast.walk(annotation)
            if (part := last_name(item) if isinstance(item, ast.expr) else None)
        }
        if words & {"Callable", "FunctionType", "MethodType"}:
            return "callable"
        if words & _FINITE_TYPES or isinstance(annotation, ast.Constant):
            return None
    if name in _CALLABLE_NAMES:
        return "callable"
    for node in function.body.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            return "callable"
    return "object" if name in _OBJECT_NAMES else None
