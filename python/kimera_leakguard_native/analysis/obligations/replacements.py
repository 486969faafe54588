"""Attributes that get a new object although the method knows that there is one.

Whatever the objects are: a class that closes what an attribute holds in one method, and replaces it
in another one that has just asked for it, loses the old object unclosed.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir, witness
from kimera_leakguard_native.analysis.dataflow import Site
from kimera_leakguard_native.analysis.obligations import held_paths
from kimera_leakguard_native.analysis.obligations.breaches import Breach, overwritten
from kimera_leakguard_native.analysis.obligations.stores import CONSTRUCTORS, Store, self_name
from kimera_leakguard_native.analysis.ownership import ALIAS, Level
from kimera_leakguard_native.analysis.resources.models import Resource
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.dataflow import Edge, Flow
    from kimera_leakguard_native.analysis.function import Function
    from kimera_leakguard_native.analysis.names import ClassScope
    from kimera_leakguard_native.analysis.obligations.duties import ClassDuties

KIND = "object.replaced"

_TESTED = re.compile(rb"\b(?:if|elif|while)\b[^\n#]*?\bself\.(\w+)")
_ASSIGNED = re.compile(rb"\bself\.(\w+)[ \t]*(?::[^=\n]*)?=[^=]")


def may_replace(data: bytes) -> frozenset[str]:
    """Give the attributes that a text both tests and assigns, if it closes anything."""
    if b"close" not in data:
        return frozenset()
    names = set(_TESTED.findall(data)) & set(_ASSIGNED.findall(data))
    return frozenset(name.decode("utf-8", "replace") for name in names)


def replaces(scope: ClassScope, names: frozenset[str]) -> bool:
    """Whether a method of a class, no constructor, assigns a call to such an attribute."""
    return any(
        name not in CONSTRUCTORS and any(True for _ in _assigned(method.body, names))
        for name, method in scope.methods.items()
    )


def replacements(duties: ClassDuties, names: frozenset[str]) -> Iterator[Breach]:
    """Find the methods of a class that replace without closing."""
    head = duties.family.head
    for name, scope in head.scope.methods.items():
        if name in CONSTRUCTORS:
            continue
        for attribute in sorted(set(_assigned(scope.body, names))):
            methods = duties.closing(attribute)
            if not methods or name in duties.ending(attribute, methods):
                continue
            function = duties.project.function(head.module, scope)
            try:
                breach = _breach(function, attribute, methods)
            except (AnalysisError, RecursionError):
                breach = None
            if breach is not None and not duties.is_prepared(name, attribute, methods):
                yield breach


def _assigned(body: list[ast.stmt], names: frozenset[str]) -> Iterator[str]:
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.expr, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            value = node.value.value if isinstance(node.value, ast.Await) else node.value
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if isinstance(value, ast.Call) and len(targets) == 1:
                target = targets[0]
                if isinstance(target, ast.Attribute) and target.attr in names:
                    yield target.attr
        pending.extend(ast.iter_child_nodes(node))


def _breach(function: Function, attribute: str, methods: frozenset[str]) -> Breach | None:
    owner = self_name(function)
    if owner is None:
        return None
    resource = Resource(rule="KLG109", noun="handle", release=tuple(sorted(methods)), context=True)
    flow, graph = held_paths.flow_of(function, attribute, resource)
    if flow.exhausted:
        return None
    for leak in flow.leaks:
        if leak.exit != "return" or leak.state.level is not Level.PLAIN:
            continue
        path = witness.shortest(flow, leak)
        if not _knows(graph, flow, path, owner, attribute):
            continue
        store = _store(function, graph, attribute, resource)
        if store is not None:
            notes = tuple(witness.decisions(graph, flow, path, {}))
            escape = held_paths.Escape("overwritten", Level.PLAIN, 0, notes)
            return overwritten(store, escape)
    return None


def _knows(graph: cfg.Graph, flow: Flow, path: list[Edge], owner: str, attribute: str) -> bool:
    """Whether the tests on the way ask for the object, and nothing about it."""
    asked = False
    for edge in path:
        end = graph.blocks[flow.nodes[edge.source][0]].terminator
        if edge.taken is None or not isinstance(end, cfg.Branch):
            continue
        inside: set[int] = set()
        for node in ast.walk(end.source):
            if isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
                inside.update(id(child) for child in ast.iter_child_nodes(node))
            if _is_attribute(node, owner, attribute):
                if id(node) in inside:
                    return False
                asked = True
    return asked


def _is_attribute(node: ast.AST, owner: str, attribute: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == attribute
        and isinstance(node.value, ast.Name)
        and node.value.id == owner
    )


def _store(
    function: Function, graph: cfg.Graph, attribute: str, resource: Resource
) -> Store | None:
    """Describe the first assignment of a call's result."""
    calls = {
        item.target: (block.number, index, item)
        for block in graph.blocks
        for index, item in enumerate(block.instructions)
        if isinstance(item, ir.Call)
    }
    awaited = {
        item.target: item.source
        for block in graph.blocks
        for item in block.instructions
        if isinstance(item, ir.Await)
    }
    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.SetAttribute) and item.attribute == attribute:
                source = awaited.get(str(item.source), item.source)
                if isinstance(source, str) and source in calls:
                    where, index, call = calls[source]
                    site = Site(KIND, resource, where, index, call.target, ALIAS, call)
                    return Store(function, site, attribute, False, item.line)
    return None
