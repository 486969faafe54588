"""What is registered with something that lives longer, and never taken back."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import free_names, parameters
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.lifetimes import few_instances, made_once
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

CODE = "KLG205"

_PAIRS = {
    "add_listener": "remove_listener",
    "addListener": "removeListener",
    "add_observer": "remove_observer",
    "addObserver": "removeObserver",
    "add_event_listener": "remove_event_listener",
    "addEventListener": "removeEventListener",
    "add_subscriber": "remove_subscriber",
    "add_callback": "remove_callback",
    "register_callback": "unregister_callback",
    "register_listener": "unregister_listener",
    "register_observer": "unregister_observer",
    "subscribe": "unsubscribe",
    "observe": "unobserve",
    "connect": "disconnect",
    "addHandler": "removeHandler",
    "addFilter": "removeFilter",
    "installEventFilter": "removeEventFilter",
    "register_hook": "unregister_hook",
    "register_handler": "unregister_handler",
    "attach_listener": "detach_listener",
    "trace_add": "trace_remove",
    "register": "unregister",
}
_FOR_GOOD = {
    "os.register_at_fork": None,
    "sys.addaudithook": None,
    "gc.callbacks.append": "gc.callbacks.remove",
    "sys.meta_path.append": "sys.meta_path.remove",
    "sys.meta_path.insert": "sys.meta_path.remove",
    "sys.path_hooks.append": "sys.path_hooks.remove",
    "threading._register_atexit": None,
    "sqlalchemy.event.listen": "event.remove",
    "readline.set_completer": "set_completer(None",
}
"""What the process keeps until its end, with the call that takes it back, if there is one."""

_HOOKS_OF_PROCESS = re.compile(
    rb"register_at_fork|addaudithook|gc\.callbacks|meta_path\.|path_hooks\.|_register_atexit"
    rb"|event\.listen|set_completer"
)
_HINT = re.compile(rb"\.(?:" + "|".join(_PAIRS).encode() + rb")\(")
_SETUP = re.compile(r"^_*(main|setup|set_up|configure|config|init|basic|install|enable|start)|logg")
_TAKES_BACK = frozenset(
    {"remove", "discard", "pop", "unsubscribe", "disconnect", "remove_listener"}
)


def find(outline: Outline) -> Iterator[Retention]:
    """Look at registrations of methods, at log handlers, and at handles that are dropped."""
    data = outline.source.data
    offsets = (match.start() for match in _HINT.finditer(data))
    for function in outline.functions_at(offsets):
        for call in function.body.calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr in _PAIRS:
                yield from _registration(outline, function, call, call.func)
    if _HOOKS_OF_PROCESS.search(data):
        for function in outline.functions:
            for call in function.body.calls:
                yield from _for_good(outline, function, call)
    yield from _dropped(outline)


def _for_good(outline: Outline, function: Definition, call: ast.Call) -> Iterator[Retention]:
    """Look for an instance in a registry of the process."""
    name = outline.qualify(call.func)
    if name not in _FOR_GOOD or function.owner is None or not _holds_self(function, call):
        return
    back = _FOR_GOOD[name]
    if back is not None and back.encode() in outline.source.data:
        return
    if few_instances(function.owner) or made_once(outline, function.owner):
        return
    yield Retention(
        CODE,
        call,
        f"{name}() keeps every {function.owner.name} that is registered, until the process ends"
        + (": nothing takes it back" if back is None else f": nothing calls {back}"),
        "registration",
        0.45,
        steps=((call.lineno, f"what is registered holds {function.self_name}"),),
    )


def _registration(
    outline: Outline, function: Definition, call: ast.Call, called: ast.Attribute
) -> Iterator[Retention]:
    data, name = outline.source.data, called.attr
    counterpart = _PAIRS[name]
    if b"." + counterpart.encode() + b"(" in data or b".handlers" in data:
        return
    registry = dotted(called.value)
    qualified = outline.qualify(called.value)
    if registry is None or (name == "register" and qualified != "atexit"):
        return
    if name == "addHandler":
        if _SETUP.search(function.node.name) and function.node.name != "__init__":
            return
        if function.owner is None or made_once(outline, function.owner):
            return
        what = f"each {function.owner.name} adds one more handler to {registry}"
    elif name == "connect" and not _strong(call):
        return
    else:
        if function.owner is None or not _holds_self(function, call):
            return
        if few_instances(function.owner) or made_once(outline, function.owner):
            return
        if not _outlives(function, registry, qualified):
            return
        what = f"{registry} keeps every {function.owner.name} that registers with it"
    yield Retention(
        CODE,
        call,
        f"{what}: nothing calls {counterpart}()",
        "registration",
        0.4,
        steps=((call.lineno, f"{registry} lives longer than what is registered"),),
    )


def _strong(call: ast.Call) -> bool:
    return any(
        item.arg == "weak" and isinstance(item.value, ast.Constant) and item.value.value is False
        for item in call.keywords
    )


def _holds_self(function: Definition, call: ast.Call) -> bool:
    instance = function.self_name
    if instance is None:
        return False
    for value in (*call.args, *(item.value for item in call.keywords)):
        if isinstance(value, ast.Call) and last_name(value.func) == "partial":
            return any(_is_own(item, instance, function) for item in value.args)
        if _is_own(value, instance, function):
            return True
    return False


def _is_own(value: ast.expr, instance: str, function: Definition) -> bool:
    """Whether a value is the instance, a method of it, or a lambda around it."""
    if isinstance(value, ast.Lambda):
        return instance in free_names(value)
    if isinstance(value, ast.Attribute) and dotted(value.value) == instance:
        found = function.owner.methods.get(value.attr) if function.owner is not None else None
        return found is not None and found.self_name is not None
    return isinstance(value, ast.Name) and value.id == instance


def _outlives(function: Definition, registry: str, qualified: str | None) -> bool:
    """Whether a registry comes from outside: a parameter, a global, or kept from a parameter."""
    root, _, rest = registry.partition(".")
    if qualified == "atexit":
        return True
    if root != function.self_name:
        made_here = any(
            node.id == root and isinstance(node.ctx, ast.Store)
            for node in function.body.every(ast.Name)
        )
        return not made_here
    init = function.owner.methods.get("__init__") if function.owner is not None else None
    if init is None or not rest or "." in rest:
        return False
    given = set(parameters(init.node))
    return any(
        isinstance(node.value, ast.Name)
        and node.value.id in given
        and any(dotted(target) == f"{init.self_name}.{rest}" for target in node.targets)
        for node in init.body.every(ast.Assign)
    )


def _dropped(outline: Outline) -> Iterator[Retention]:
    """Find calls whose result takes a registration back, and is thrown away."""
    data = outline.source.data
    if b".append(" not in data and b".add(" not in data:
        return
    for maker in outline.functions:
        if not re.search(
            rb"return (?:\w+|lambda\b[^\n]*)\r?$", _text(outline, maker), re.MULTILINE
        ):
            continue
        if b"remove" not in _text(outline, maker) and b"discard" not in _text(outline, maker):
            continue
        if not _returns_a_way_back(maker):
            continue
        name = maker.node.name
        calls = re.compile(rb"\b" + re.escape(name.encode()) + rb"\(")
        for function in outline.functions_at(match.start() for match in calls.finditer(data)):
            if function is maker:
                continue
            for node in function.body.every(ast.Expr):
                call = node.value
                if isinstance(call, ast.Call) and last_name(call.func) == name:
                    yield Retention(
                        CODE,
                        node,
                        f"{name}() returns the function that takes its registration back, and this "
                        "drops it",
                        "registration",
                        0.5,
                        steps=((maker.node.lineno, f"{name}() is defined here"),),
                    )


def _text(outline: Outline, function: Definition) -> bytes:
    starts = outline.line_starts
    last = min(function.node.end_lineno or 0, len(starts) - 1)
    return outline.source.data[starts[function.node.lineno - 1] : starts[last]]


def _returns_a_way_back(maker: Definition) -> bool:
    body = maker.body
    adds = any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr in ("append", "add", "setdefault")
        and body.function_of(call) is maker.node
        for call in body.calls
    )
    if not adds:
        return False
    for node in body.every(ast.Return):
        if body.function_of(node) is not maker.node:
            continue
        value = node.value
        if isinstance(value, ast.Name):
            nested = [item for item in body.every(ast.FunctionDef) if item.name == value.id]
            if any(_takes_back(item) for item in nested):
                return True
        elif isinstance(value, ast.Lambda) and _takes_back(value):
            return True
    return False


def _takes_back(function: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _TAKES_BACK
        for node in ast.walk(function)
    )
