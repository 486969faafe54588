"""What a search takes for granted about the code around a function, and what it must not."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis import ir

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.dataflow import Site
    from kimera_leakguard_native.analysis.names import ModuleScopes, Scope
    from kimera_leakguard_native.analysis.resources.catalog import Callees
    from kimera_leakguard_native.analysis.symbolic.refusals import Refusal

MUTATORS = frozenset(
    {
        "append", "appendleft", "extend", "insert", "remove", "pop", "popleft", "popitem", "clear",
        "add", "discard", "update", "setdefault", "sort", "reverse", "put", "get_nowait",
    }
)  # fmt: skip
_CONTAINERS = frozenset(f"builtins.{name}" for name in ("list", "dict", "set", "bytearray"))


def _never(*_: str) -> bool:
    return False


def _nothing(_: ir.Call) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stays the same on all paths of one candidate.

    Attributes
    ----------
    types : dict of str to str
        Parameters with the class of their annotation.
    steady : frozenset of str
        Attributes of self that only the constructor assigns.
    module : str
        Name of the module.
    changing : frozenset of str
        Variables outside the function that functions of the module assign.
    shared : frozenset of str
        Variables of the function that functions nested in it assign.
    mutable : frozenset of str
        Places that hold a container which somebody may fill or empty.
    constants : mapping of str to object
        Plain values of the module's constants, by name.
    is_plain : callable
        Whether a class is known and no enumeration, so that its attributes may be equal.
    are_unrelated : callable
        Whether two classes are known, and no object is an instance of both.
    refusal : callable
        What the callee of a call refuses at its start; None where that is not known.
    """

    site: Site | None
    callees: Callees
    types: dict[str, str]
    self_name: str | None = None
    steady: frozenset[str] = frozenset()
    module: str = ""
    changing: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    mutable: frozenset[str] = frozenset()
    constants: Mapping[str, Any] = field(default_factory=dict)
    is_plain: Callable[[str], bool] = _never
    are_unrelated: Callable[[str, str], bool] = _never
    refusal: Callable[[ir.Call], Refusal | None] = _nothing


def changing_names(module: ModuleScopes) -> frozenset[str]:
    """Give the names that functions declare global or nonlocal, which is to assign them."""
    return frozenset(name for scope in module.functions.values() for name in scope.outer_names)


def shared_names(module: ModuleScopes, scope: Scope) -> frozenset[str]:
    """Give the local names of a function that functions nested in it assign."""
    inside = f"{scope.name}.<locals>."
    return frozenset(
        name
        for key, nested in module.functions.items()
        if key.startswith(inside)
        for name in nested.outer_names & scope.local_names
    )


def mutable_places(graph: Graph) -> frozenset[str]:
    """Give the places that are treated like containers anywhere in a function."""
    found = {place for place, name in graph.types.items() if name in _CONTAINERS}
    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.Call) and item.method in MUTATORS:
                if isinstance(item.receiver, str):
                    found.add(item.receiver)
            elif isinstance(item, ir.SetItem):
                if isinstance(item.object, str):
                    found.add(item.object)
            elif _holds_container(item, found):
                found.add(item.target)  # type: ignore[attr-defined]
    return frozenset(found)


def _holds_container(item: ir.Instruction, found: set[str]) -> bool:
    if isinstance(item, ir.Build):
        return item.kind in ("list", "dict", "set")
    return isinstance(item, ir.Assign) and item.source in found


def constants_of(module: ModuleScopes) -> dict[str, Any]:
    """Give the constants of a module: names in capitals that are assigned once, a plain value."""
    tree = module.body.node
    assigned: Counter[str] = Counter()
    stack: list[ast.AST] = list(getattr(tree, "body", ()))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            assigned[node.id] += not isinstance(node.ctx, ast.Load)
        elif not isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
        ):
            stack.extend(ast.iter_child_nodes(node))
    changing = changing_names(module)
    found = {}
    for statement in getattr(tree, "body", ()):
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if (
                isinstance(target, ast.Name)
                and target.id.isupper()
                and assigned[target.id] == 1
                and target.id not in changing
                and isinstance(statement.value, ast.Constant)
                and isinstance(statement.value.value, (int, float, str, bytes, type(None)))
            ):
                found[target.id] = statement.value.value
    return found
