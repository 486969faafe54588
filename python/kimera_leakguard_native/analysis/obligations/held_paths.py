"""What a method does, path by path, to a resource that an attribute holds when it is called."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.analysis import cfg, ir, witness
from kimera_leakguard_native.analysis.dataflow import Edge, Flow, Leak, Site, Tracker
from kimera_leakguard_native.analysis.obligations.stores import self_name
from kimera_leakguard_native.analysis.ownership import Level

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.project import Function
    from kimera_leakguard_native.analysis.resources.catalog import Resource


class Escape(NamedTuple):
    """A way out of a method on which the resource stays open.

    Attributes
    ----------
    exit : str
        ``return``, ``raise`` or ``overwritten``.
    level : Level
        How sure it is that control goes there.
    line : int
        What leaves, or 0.
    notes : tuple of (line, note)
        The decisions on the way.
    """

    exit: str
    level: Level
    line: int
    notes: tuple[tuple[int, str], ...]


def flow_of(function: Function, attribute: str, resource: Resource) -> tuple[Flow, cfg.Graph]:
    """Follow the resource of an attribute from the entry of a method."""
    graph = function.graph()
    site = Site("attribute", resource, cfg.ENTRY, 0, "", "", None, held=attribute)
    frame = replace(function.frame(), self_name=self_name(function))
    return Tracker(graph, site, frame, function.effects).run(), graph


def overwriting(function: Function, attribute: str, resource: Resource) -> Escape | None:
    """Find a path on which the attribute gets something else while it holds the resource."""
    flow, graph = flow_of(function, attribute, resource)
    if flow.exhausted:
        return None
    for leak in flow.leaks:
        if leak.exit != "return" or leak.state.level is not Level.PLAIN:
            continue
        path = witness.shortest(flow, leak)
        if not _asks_object(graph, flow, path, self_name(function)):
            return Escape("overwritten", Level.PLAIN, 0, _notes(graph, flow, path))
    return None


def leaving(function: Function, attribute: str, resource: Resource) -> Escape | None:
    """Find the surest way out of a method that releases the attribute, but not on that way."""
    flow, graph = flow_of(function, attribute, resource)
    if flow.exhausted or not flow.discharges:
        return None
    owner = self_name(function)
    found: list[Escape] = []
    for leak in sorted(_leaks(flow), key=lambda item: (-item.state.level, item.node)):
        if leak.state.held is None and leak.exit == "return":
            continue
        path = witness.shortest(flow, leak)
        if _asks_object(graph, flow, path, owner):
            continue
        pending = leak.state.pending
        level = leak.state.level
        if pending is not None and leak.exit == "raise":
            level = min(level, pending.level)
        found.append(Escape(leak.exit, level, leak.line, _notes(graph, flow, path)))
        break
    return found[0] if found else None


def _leaks(flow: Flow) -> list[Leak]:
    kept = [
        Leak(number, "return", state, 0)
        for number, (where, state) in enumerate(flow.nodes)
        if where == cfg.RETURN_EXIT and state.held is not None
    ]
    return [*flow.leaks, *kept]


def _asks_object(graph: cfg.Graph, flow: Flow, path: list[Edge], owner: str | None) -> bool:
    """Whether a test on the way looks at the object: it may know that nothing is held."""
    for edge in path:
        if edge.taken is None:
            continue
        end = graph.blocks[flow.nodes[edge.source][0]].terminator
        if not isinstance(end, cfg.Branch):
            continue
        names = {item.id for item in ast.walk(end.source) if isinstance(item, ast.Name)}
        if owner in names or names & _derived(graph, owner):
            return True
    return False


def _derived(graph: cfg.Graph, owner: str | None) -> set[str]:
    """Give the local variables that were made from the object."""
    found: set[str] = set() if owner is None else {owner}
    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.Unpack):
                if item.source in found:
                    found.update(item.targets)
            elif any(source in found for source in _sources(item)):
                found.add(item.target)  # type: ignore[attr-defined]
    return found


def _sources(item: ir.Instruction) -> tuple[ir.Operand | None, ...]:
    """Give what the value of an instruction's target is made of."""
    if isinstance(item, ir.Assign):
        return (item.source,)
    if isinstance(item, ir.GetAttribute):
        return (item.object,)
    if isinstance(item, ir.Call):
        return (item.receiver, *item.operands())
    return item.elements if isinstance(item, ir.Build) else ()


def _notes(graph: cfg.Graph, flow: Flow, path: list[Edge]) -> tuple[tuple[int, str], ...]:
    return tuple(witness.decisions(graph, flow, path, {}))
