"""Calls like ``client.connect()`` on an object that the same function has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.effects import Effects


def maker_of(call: ir.Call, graph: cfg.Graph, effects: Effects) -> ir.Call | None:
    """Give the call that makes the receiver, if nobody else has the object when it is opened.

    Where the function looks at what the opening call gives, that may say that nothing is open.
    """
    place = call.receiver
    if not isinstance(place, str) or place in graph.parameters or place in graph.cells:
        return None
    made: ir.Call | None = None
    places = {place}
    results = {call.target}
    for item in _instructions(graph):
        if isinstance(item, ir.Assign) and item.target == place:
            maker = _made(graph, item.source)
            if maker is None or not effects.makes_object(maker):
                return None
            made = maker
            places.add(maker.target)
        elif isinstance(item, ir.Await) and item.source == call.target:
            results.add(item.target)
        elif getattr(item, "target", None) == place:
            return None
    if made is None or any(
        results & _tested(block.terminator.condition)
        for block in graph.blocks
        if isinstance(block.terminator, cfg.Branch)
    ):
        return None
    for item in _instructions(graph):
        if item is not call and not isinstance(item, ir.Await) and results & _read(item):
            return None
        if item.line <= call.line and places & _given(item, place):
            return None
    return made


def _instructions(graph: cfg.Graph) -> Iterator[ir.Instruction]:
    for block in graph.blocks:
        yield from block.instructions


def _made(graph: cfg.Graph, source: ir.Operand) -> ir.Call | None:
    for item in _instructions(graph):
        if isinstance(item, ir.Call) and item.target == source:
            return item
    return None


def _read(item: ir.Instruction) -> set[str]:
    """Give the places that an instruction hands on or looks at."""
    return {one for one in _sources(item) if isinstance(one, str)}


def _given(item: ir.Instruction, place: str) -> set[str]:
    """Give the places that an instruction gives to somebody; the variable itself is nobody."""
    if isinstance(item, ir.Assign) and item.target == place:
        return set()
    return _read(item)


def _sources(item: ir.Instruction) -> Iterator[object]:
    if isinstance(item, ir.Call):
        yield from item.operands()
        yield item.function
    elif isinstance(item, ir.Build):
        yield from item.elements
    elif isinstance(item, ir.MakeClosure):
        yield from item.captured
    elif isinstance(item, (ir.Assign, ir.SetAttribute, ir.SetItem, ir.Return, ir.Yield, ir.Unpack)):
        yield item.source
    elif isinstance(item, ir.Enter):
        yield item.manager


def _tested(condition: ir.Condition) -> set[str]:
    if isinstance(condition, ir.Not):
        return _tested(condition.inner)
    parts = (getattr(condition, name, None) for name in ("operand", "left", "right"))
    return {one for one in parts if isinstance(one, str)}
