"""Where a container grows, and by what: one place for each statement."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import parameters
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition

_ADDERS = frozenset(
    {"append", "appendleft", "add", "extend", "extendleft", "insert", "setdefault", "update"}
)
_KEYED = frozenset({"setdefault"})
_FRESH = re.compile(
    r"^(id|uuid[1-5]?|next|time|time_ns|monotonic|monotonic_ns|perf_counter|token_hex|token_urlsafe"
    r"|now|utcnow|getrandbits|urandom)$"
)
_FINITE_NAMES = re.compile(
    r"^(cls|klass|type_?|typ|tp|kind|level|model|class_|dtype|lang|language|locale|encoding|codec"
    r"|charset|fmt|format|ext|extension|suffix|mode|method|backend|alias|flag|option|opt|cmd|command"
    r"|month|day|weekday|version|platform|plugin\w*|module\w*|scheme|protocol|category|signum|signal"
    r"|\w*_(type|class|cls|kind|mode|backend|alias|module|plugin|version))$"
)
_FINITE_CALLS = frozenset({"type", "getpid", "getattr"})
_FINITE_ATTRIBUTES = frozenset(
    {"__class__", "__name__", "__qualname__", "__module__", "__func__", "__code__", "type", "kind"}
)


@dataclass(frozen=True, slots=True)
class Growth:
    """One statement that makes a container larger.

    Attributes
    ----------
    function : Definition
        The outermost function around it.
    key : ast.expr or None
        What is stored under; None where the container has no keys.
    values : tuple of ast.expr
        What is stored.
    """

    node: ast.stmt
    function: Definition
    key: ast.expr | None
    values: tuple[ast.expr, ...]


def growths(
    function: Definition, places: frozenset[str], *, reads: bool = False
) -> Iterator[Growth]:
    """Find the statements of a function that add to a container.

    Parameters
    ----------
    places : frozenset of str
        How the container is written, for example ``self.seen``.
    reads : bool
        Whether looking a key up inserts it, as a `defaultdict` does.
    """
    body = function.body
    for node in body.nodes:
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Subscript) and dotted(target.value) in places:
                    if not isinstance(target.slice, ast.Slice):
                        yield Growth(node, function, target.slice, (node.value,))
                elif isinstance(node, ast.AugAssign) and dotted(target) in places:
                    yield Growth(node, function, None, (node.value,))
        elif (
            reads
            and isinstance(node, ast.Subscript)
            and isinstance(node.ctx, ast.Load)
            and dotted(node.value) in places
        ):
            yield Growth(body.statement_of(node), function, node.slice, ())
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, receiver = node.func.attr, node.func.value
            statement = body.statement_of(node)
            if name in _ADDERS and dotted(receiver) in places and node.args:
                keyed = name in _KEYED
                yield Growth(
                    statement,
                    function,
                    node.args[0] if keyed else None,
                    tuple(node.args[1:] if keyed else node.args),
                )
            elif (
                name in _ADDERS
                and isinstance(receiver, ast.Subscript)
                and dotted(receiver.value) in places
            ):
                yield Growth(statement, function, receiver.slice, tuple(node.args))


def fresh(function: Definition, key: ast.expr | None) -> bool:
    """Whether a key is never the same twice: an identity, a counter, a time, a random number."""
    if key is None:
        return False
    for node in ast.walk(key):
        if isinstance(node, ast.Call) and _FRESH.match(last_name(node.func) or ""):
            return True
    if isinstance(key, ast.Name):
        return any(
            isinstance(node.value, ast.Call) and _FRESH.match(last_name(node.value.func) or "")
            for node in function.body.every(ast.Assign)
            if any(isinstance(item, ast.Name) and item.id == key.id for item in node.targets)
        )
    return False


def finite(function: Definition, key: ast.expr) -> bool:
    """Whether the values of a key are limited by the program's text, as far as can be told."""
    if isinstance(key, ast.Constant):
        return True
    if isinstance(key, ast.Tuple):
        return all(finite(function, item) for item in key.elts)
    if isinstance(key, ast.Call):
        return last_name(key.func) in _FINITE_CALLS
    if isinstance(key, ast.Attribute):
        return key.attr in _FINITE_ATTRIBUTES or key.attr.isupper()
    if isinstance(key, ast.Name):
        return (
            key.id.isupper()
            or _FINITE_NAMES.match(key.id) is not None
            or _looped_over_constants(function, key.id)
            or (
                key.id not in _inputs(function)
                and any(
                    finite(function, node.value)
                    for node in function.body.every(ast.Assign)
                    if any(
                        isinstance(item, ast.Name) and item.id == key.id for item in node.targets
                    )
                )
            )
        )
    return False


def from_outside(function: Definition, node: ast.expr) -> bool:
    """Whether an expression is made of what the function is called with, or of what it makes."""
    inputs = _inputs(function)
    names = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
    if names & inputs:
        return True
    for statement in function.body.every(ast.Assign):
        bound = {
            item.id
            for target in statement.targets
            for item in ast.walk(target)
            if isinstance(item, ast.Name)
        }
        if bound & names:
            return True
    return any(
        isinstance(item, ast.Name) and item.id in names
        for node in function.body.nodes
        if isinstance(node, (ast.For, ast.AsyncFor))
        for item in ast.walk(node.target)
    )


def _looped_over_constants(function: Definition, name: str) -> bool:
    return any(
        isinstance(loop.target, ast.Name)
        and loop.target.id == name
        and isinstance(loop.iter, (ast.Tuple, ast.List, ast.Set))
        for loop in function.body.every(ast.For)
    )


def _inputs(function: Definition) -> set[str]:
    names = set(parameters(function.node))
    names.discard(function.self_name or "")
    names.discard("cls")
    return names
