"""Where a function acquires, and what class the receivers of its calls have."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.dataflow import Site
from kimera_leakguard_native.analysis.ownership import ALIAS, element_role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.effects import Effects
    from kimera_leakguard_native.analysis.resources.catalog import Acquisition, Catalog

_PATHS = frozenset({"pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath"})


def may_acquire(body: Iterable[ast.AST], words: frozenset[str]) -> bool:
    """Whether a body, without the functions nested in it, calls anything named like these.

    Calls that a with statement enters at once are safe and don't count.
    """
    managed: set[int] = set()
    stack = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, (ast.With, ast.AsyncWith)):
            managed.update(id(item.context_expr) for item in node.items)
        elif isinstance(node, ast.Call) and id(node) not in managed:
            called = node.func
            name = (
                called.id
                if isinstance(called, ast.Name)
                else called.attr
                if isinstance(called, ast.Attribute)
                else ""
            )
            if name in words:
                return True
        stack.extend(ast.iter_child_nodes(node))
    return False


def find_sites(graph: Graph, catalog: Catalog, effects: Effects) -> list[Site]:
    """Find the acquisitions of a function in the order of its blocks."""
    classes = _receiver_classes(graph, effects)
    sites: list[Site] = []
    for block in graph.blocks:
        for index, instruction in enumerate(block.instructions):
            if not isinstance(instruction, ir.Call) or instruction.managed:
                continue
            acquisition = acquired_by(instruction, classes, catalog, effects)
            if acquisition is None:
                continue
            resource = catalog.resources[acquisition.kind]
            roles = [element_role(position) for position in acquisition.elements] or [ALIAS]
            sites.extend(
                Site(
                    acquisition.kind,
                    resource,
                    block.number,
                    index,
                    instruction.target,
                    role,
                    instruction,
                )
                for role in roles
            )
    return sites


def acquired_by(
    call: ir.Call, classes: dict[str, str], catalog: Catalog, effects: Effects
) -> Acquisition | None:
    """Say what a call acquires, None if nothing."""
    found = effects.acquisition(call)
    if found is not None or call.method is None:
        return found
    owner = classes.get(call.receiver) if isinstance(call.receiver, str) else None
    if owner is not None:
        if owner in _PATHS and call.method == "open":
            return catalog.acquire["pathlib.Path.open"]
        by_method = catalog.acquire_method.get(call.method)
        if by_method is not None and by_method.receiver == owner:
            return by_method
    return None


def _receiver_classes(graph: Graph, effects: Effects) -> dict[str, str]:
    """Give the class or kind of resource of places, whatever the path; none where there are two."""
    classes: dict[str, str] = dict(graph.types)
    clashing: set[str] = set()

    def learn(place: str, name: str | None) -> None:
        if name is not None and classes.setdefault(place, name) != name:
            clashing.add(place)

    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.Call):
                acquisition = effects.acquisition(item)
                if acquisition is not None and not acquisition.elements:
                    learn(item.target, acquisition.kind)
                elif item.name in _PATHS:
                    learn(item.target, "pathlib.Path")
            elif isinstance(item, ir.Assign) and isinstance(item.source, str):
                learn(item.target, classes.get(item.source))
            elif isinstance(item, ir.Enter) and isinstance(item.manager, str):
                learn(item.target, classes.get(item.manager))
            elif isinstance(item, ir.Build) and item.kind == "text" and item.elements:
                left = item.elements[0]
                if isinstance(left, str) and classes.get(left) in _PATHS:
                    learn(item.target, "pathlib.Path")
            elif (
                isinstance(item, ir.GetAttribute)
                and item.attribute == "parent"
                and isinstance(item.object, str)
                and classes.get(item.object) in _PATHS
            ):
                learn(item.target, "pathlib.Path")
    return {place: name for place, name in classes.items() if place not in clashing}
