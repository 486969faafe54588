"""Methods that an instance puts into a list of callbacks of another object, and leaves there."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import free_names
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.lifetimes import few_instances, made_once
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import (
        ClassOutline,
        Definition,
        Outline,
    )

CODE = "KLG205"

_LIST = rb"\w*(?:callbacks?|listeners?|handlers|observers?|subscribers?|hooks|watchers|receivers)"
_HINT = re.compile(rb"\.(%b)\.(?:add|append|insert)\(" % _LIST)
_HANDLER = re.compile(rb"\b(_?add_\w*handler)\(")
_SETUP = re.compile(r"^_*(main|setup|set_up|configure|config|init|basic|install|enable|start)|logg")
_LOGGER = re.compile(r"(^|_)log(ger)?$", re.IGNORECASE)


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the additions to such lists, and at helpers that add a handler to a logger."""
    data = outline.source.data
    for name in dict.fromkeys(match[1] for match in _HINT.finditer(data)):
        taken = rb"\b%(n)s\.(?:remove|discard|clear|pop)\b|\b%(n)s = " % {b"n": re.escape(name)}
        if re.search(taken, data):
            continue
        pattern = re.compile(rb"\.%b\.(?:add|append|insert)\(" % re.escape(name))
        for function in outline.functions_at(match.start() for match in pattern.finditer(data)):
            yield from _added(outline, function, name.decode("utf-8", "replace"))
    if b"removeHandler" not in data and b".handlers" not in data:
        for function in outline.functions_at(m.start() for m in _HANDLER.finditer(data)):
            yield from _handlers(function)


def _added(outline: Outline, function: Definition, name: str) -> Iterator[Retention]:
    owner, instance = function.owner, function.self_name
    if owner is None or instance is None or few_instances(owner) or made_once(outline, owner):
        return
    for call in function.body.calls:
        called = call.func
        if not (
            isinstance(called, ast.Attribute)
            and called.attr in ("add", "append", "insert")
            and isinstance(called.value, ast.Attribute)
            and called.value.attr == name
            and call.args
            and _holds(owner, call.args[-1], instance)
        ):
            continue
        holder = dotted(called.value.value)
        if holder is None or holder == instance or _is_own(function, owner, holder, instance):
            continue
        yield Retention(
            CODE,
            call,
            f"{holder}.{name} keeps every {owner.name} that adds itself: nothing takes it out",
            "registration",
            0.35,
            steps=((call.lineno, f"what is added holds {instance}"),),
        )


def _holds(owner: ClassOutline, value: ast.expr, instance: str) -> bool:
    """Whether a value is a method of the instance, or a lambda or partial around it."""
    if isinstance(value, ast.Lambda):
        return instance in free_names(value)
    if isinstance(value, ast.Call) and last_name(value.func) == "partial":
        return any(_holds(owner, item, instance) for item in value.args)
    if isinstance(value, ast.Attribute) and dotted(value.value) == instance:
        method = owner.methods.get(value.attr)
        return method is not None and method.self_name is not None
    return False


def _is_own(function: Definition, owner: ClassOutline, holder: str, instance: str) -> bool:
    """Whether the instance makes the other object itself: then both die together."""
    root, _, rest = holder.partition(".")
    if root != instance:
        return any(
            node.id == root and isinstance(node.ctx, ast.Store)
            for node in function.body.every(ast.Name)
        )
    made = f".{rest.partition('.')[0]}"
    return any(
        isinstance(node.value, ast.Call)
        and any((dotted(target) or "").endswith(made) for target in node.targets)
        for method in owner.methods.values()
        for node in method.body.every(ast.Assign)
    )


def _handlers(function: Definition) -> Iterator[Retention]:
    """Look for `add_file_handler(logger, path)` in what may be called again."""
    if _SETUP.search(function.node.name) and function.node.name != "__init__":
        return
    for node in function.body.every(ast.Expr):
        call = node.value
        name = last_name(call.func) if isinstance(call, ast.Call) else None
        if not isinstance(call, ast.Call) or name is None or not call.args:
            continue
        logger = dotted(call.args[0])
        if _HANDLER.match(f"{name}(".encode()) and logger and _LOGGER.search(logger):
            yield Retention(
                CODE,
                node,
                f"each {function.node.name}() adds one more handler to {logger}: nothing takes it "
                "back",
                "registration",
                0.35,
                steps=((node.lineno, f"{logger} lives as long as the process"),),
            )
