"""What decorators make of a function, as far as callers are concerned."""

from __future__ import annotations

import ast
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.analysis.names import ModuleScopes, Scope

_CONTEXT = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})
_CACHES = frozenset(
    {"functools.lru_cache", "functools.cache", "functools.cached_property", "builtins.property"}
)
_PLAIN = frozenset(
    {
        "builtins.staticmethod", "builtins.classmethod", "abc.abstractmethod",
        "abc.abstractclassmethod", "abc.abstractstaticmethod",
        "typing.override", "typing.final", "typing.no_type_check", "typing_extensions.override",
        "typing_extensions.final", "typing_extensions.deprecated", "warnings.deprecated",
        "torch.no_grad", "torch.inference_mode",
    }
)  # fmt: skip
_WRAPS = frozenset({"functools.wraps", "functools.update_wrapper"})


class Wrapping(Enum):
    """What a call of the decorated name does."""

    DIRECT = "direct"
    """Runs the function and gives its result."""
    AROUND = "around"
    """Runs the function; the result may be another, or one that somebody keeps."""
    CONTEXT = "context"
    """Makes a context manager; the function runs when it is entered."""
    OPAQUE = "opaque"
    """Nobody knows."""


def wrapping(module: ModuleScopes, scope: Scope, find: Callable[[str], object]) -> Wrapping:
    """Say what the decorators of a function do to its calls.

    Parameters
    ----------
    find : callable
        Gives the module and the local name of a qualified name of the project.
    """
    found = Wrapping.DIRECT
    for item in getattr(scope.node, "decorator_list", ()):
        one = _one(module, item, find)
        if one is Wrapping.OPAQUE:
            return one
        if one is not Wrapping.DIRECT:
            found = one
    return found


def is_static(scope: Scope) -> bool:
    """Whether the function is a static method."""
    return "staticmethod" in _simple_names(scope) or scope.name.endswith(".__new__")


def is_class_method(scope: Scope) -> bool:
    """Whether the function gets its class as the first argument."""
    return "classmethod" in _simple_names(scope)


def is_property(scope: Scope) -> bool:
    """Whether the function runs when an attribute is read."""
    return bool(_simple_names(scope) & {"property", "cached_property"})


def _simple_names(scope: Scope) -> set[str]:
    return {
        getattr(item, "id", getattr(item, "attr", ""))
        for item in getattr(scope.node, "decorator_list", ())
    }


def _one(module: ModuleScopes, node: ast.expr, find: Callable[[str], object]) -> Wrapping:
    called = node.func if isinstance(node, ast.Call) else node
    name = module.qualify(module.body, called)
    if name is None:
        return Wrapping.OPAQUE
    if name in _PLAIN:
        return Wrapping.DIRECT
    if name in _CONTEXT:
        return Wrapping.CONTEXT
    if name in _CACHES:
        return Wrapping.AROUND
    found = find(name)
    if not isinstance(found, tuple):
        return Wrapping.OPAQUE
    owner, local = found
    return _of_project(owner, local)


def _of_project(module: ModuleScopes, local: str) -> Wrapping:
    """Look for the wrapper that a decorator of the project puts in place: see through `wraps`."""
    for name, scope in module.functions.items():
        if not name.startswith(f"{local}.<locals>."):
            continue
        for item in getattr(scope.node, "decorator_list", ()):
            if (
                isinstance(item, ast.Call)
                and module.qualify(module.body, item.func) in _WRAPS
                and item.args
                and isinstance(item.args[0], ast.Name)
            ):
                return _wrapper(scope, item.args[0].id)
    return Wrapping.OPAQUE


def _wrapper(scope: Scope, wrapped: str) -> Wrapping:
    if isinstance(scope.node, (ast.Lambda, ast.Module)):
        return Wrapping.OPAQUE
    results: set[str] = set()
    calls = 0
    direct = True
    for node in ast.walk(scope.node):
        if isinstance(node, ast.Assign) and _is_call_of(node.value, wrapped):
            results.update(item.id for item in node.targets if isinstance(item, ast.Name))
            direct = direct and all(isinstance(item, ast.Name) for item in node.targets)
        calls += _is_call_of(node, wrapped)
    if not calls:
        return Wrapping.OPAQUE
    for node in ast.walk(scope.node):
        if isinstance(node, ast.Return) and node.value is not None:
            value = node.value
            own = isinstance(value, ast.Name) and value.id in results
            direct = direct and (own or _is_call_of(value, wrapped))
        elif isinstance(node, (ast.Assign, ast.AugAssign)) and any(
            isinstance(item, ast.Name) and item.id in results for item in ast.walk(node.value)
        ):
            # The result is kept, too.
            direct = False
        elif isinstance(node, (ast.Yield, ast.YieldFrom)):
            direct = False
    return Wrapping.DIRECT if direct else Wrapping.AROUND


def _is_call_of(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Await):
        node = node.value
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
