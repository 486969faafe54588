"""Which attributes of ``self`` an acquired resource goes into."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.ownership import ALIAS, Discharge, Effect, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.dataflow import Flow, Site
    from kimera_leakguard_native.analysis.project import Function

CONSTRUCTORS = frozenset({"__init__", "__post_init__", "__new__"})


@dataclass(frozen=True, slots=True)
class Store:
    """One acquisition that ends in an attribute.

    Attributes
    ----------
    method : Function
        Where it is acquired and stored.
    contained : bool
        Whether the attribute is a container that the resource is put into.
    line : int
        Of the store.
    """

    method: Function
    site: Site
    attribute: str
    contained: bool
    line: int

    @property
    def method_name(self) -> str:
        """Name of the method, without its class."""
        return self.method.scope.name.rpartition(".")[2].partition("@")[0]


def stores_of(function: Function, site: Site, flow: Flow) -> list[Store]:
    """Find the attributes that the resource of one acquisition is stored in."""
    owner = self_name(function)
    if owner is None or site.call is None or flow.exhausted:
        return []
    graph = function.graph()
    places = _aliases(graph, site)
    if _has_second_owner(function, graph, owner, site, places):
        return []
    found: dict[str, Store] = {}
    for attribute, contained, line in _stored(graph, owner, flow, places, site.call.line):
        found.setdefault(attribute, Store(function, site, attribute, contained, line))
    return list(found.values())


def self_name(function: Function) -> str | None:
    """Give the first parameter of a method that is called on an instance."""
    scope = function.scope
    node = scope.node
    if scope.class_name is None or isinstance(node, (ast.Module, ast.Lambda)):
        return None
    marks = {getattr(item, "id", "") for item in node.decorator_list}
    if marks & {"staticmethod", "classmethod"}:
        return None
    first = [*node.args.posonlyargs, *node.args.args][:1]
    return first[0].arg if first else None


def _stored(
    graph: cfg.Graph, owner: str, flow: Flow, places: set[str], line: int
) -> Iterator[tuple[str, bool, int]]:
    escapes = [item for outcome, item in flow.ends if outcome is Discharge.ESCAPED]
    held = {state.held for where, state in flow.nodes if where == cfg.RETURN_EXIT}
    if escapes:
        held |= {state.held for _, state in flow.nodes}
    for attribute in sorted(item for item in held if item is not None):
        yield attribute, False, line
    for item in escapes:
        if isinstance(item, ir.SetAttribute) and item.object == owner:
            inside = _is_display(graph, item.source)
            if inside or item.source in places or not places:
                # An attribute may also get what was made from the resource.
                yield item.attribute, inside, item.line
        elif isinstance(item, ir.SetItem):
            behind = _attribute_behind(graph, owner, item.object)
            if behind is not None:
                yield behind, True, item.line
        elif isinstance(item, ir.Call) and item.method in _INSERTING:
            behind = _attribute_behind(graph, owner, item.receiver)
            if behind is not None:
                yield behind, True, item.line


def _has_second_owner(
    function: Function, graph: cfg.Graph, owner: str, site: Site, places: set[str]
) -> bool:
    """Whether the method hands the resource to somebody else too."""
    displays = 0
    for block in graph.blocks:
        for item in block.instructions:
            if item is site.origin:
                continue
            if isinstance(item, ir.Call):
                if item.method in _INSERTING and _attribute_behind(graph, owner, item.receiver):
                    continue
                for place in places & {one for one in item.operands() if isinstance(one, str)}:
                    state = State(True).bind(place, ALIAS)
                    effects = function.effects.on_arguments(item, state, site.resource)
                    if any(effect is Effect.TAKE for _, effect in effects):
                        return True
            elif isinstance(item, ir.SetAttribute):
                if item.source in places and item.object != owner:
                    return True
            elif isinstance(item, ir.GetAttribute):
                if item.object in places and item.attribute in site.resource.release:
                    return True  # the method that ends it, kept to be called later
            elif (
                isinstance(item, ir.SetItem)
                and item.source in places
                and _attribute_behind(graph, owner, item.object) is None
            ):
                return True
            elif isinstance(item, ir.Build) and item.kind != "text":
                displays += bool(places.intersection(map(str, item.elements)))
    # In two displays: one may be there to release it.
    return displays > 1


def _aliases(graph: cfg.Graph, site: Site) -> set[str]:
    """Give the places that are assigned from the acquisition, whatever the path."""
    places = {site.place} if site.role == ALIAS else set()
    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.Assign) and item.source in places:
                places.add(item.target)
            elif isinstance(item, ir.Unpack) and item.source == site.place and site.role.isdigit():
                places.update(item.targets[int(site.role) : int(site.role) + 1])
    return places


_INSERTING = frozenset({"append", "add", "appendleft", "insert", "extend", "setdefault", "update"})


def _attribute_behind(graph: cfg.Graph, owner: str, place: ir.Operand | None) -> str | None:
    """Give the attribute of self that a temporary was read from."""
    if not isinstance(place, str) or not place.startswith("%"):
        return None
    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.GetAttribute) and item.target == place:
                return item.attribute if item.object == owner else None
    return None


def _is_display(graph: cfg.Graph, place: ir.Operand) -> bool:
    if not isinstance(place, str):
        return False
    return any(
        isinstance(item, ir.Build) and item.target == place
        for block in graph.blocks
        for item in block.instructions
    )


def is_unconditional(store: Store) -> bool:
    """Whether every object of the class acquires: in the constructor, under no condition."""
    call = store.site.call
    if store.method_name not in CONSTRUCTORS or call is None:
        return False
    pending: list[ast.AST] = list(store.method.scope.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.expr):
            if node is call.source:
                return True
            if isinstance(node, (ast.IfExp, ast.BoolOp, ast.Lambda)):
                continue
        elif isinstance(
            node, (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.FunctionDef, ast.ClassDef)
        ):
            continue
        pending.extend(ast.iter_child_nodes(node))
    return False
