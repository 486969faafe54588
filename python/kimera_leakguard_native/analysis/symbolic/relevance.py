"""Which places can still influence a test: two paths that agree in these have the same future."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEAP = "<heap>"
"""Stands for all that is read from attributes and items; ``.name`` stands for one of them."""
ITEMS = "[]"
"""What `HEAP` calls the items of containers."""


def relevant_places(
    graph: cfg.Graph, callees: Mapping[int, frozenset[str]]
) -> list[frozenset[str]]:
    """Give for each block the places whose values at its start may decide a later test.

    Global names are among them, as ``g:name``; `HEAP` is, if an attribute or item may be read, and
    the attribute too, as ``.name``.

    Parameters
    ----------
    callees : mapping of int to frozenset of str
        What callees test, by the identity of the call.
    """
    if callees:
        return places_asked_for(graph, callees=callees)
    if graph.relevant is None:
        graph.relevant = places_asked_for(graph)
    return graph.relevant


def places_asked_for(
    graph: cfg.Graph,
    tests: frozenset[int] | None = None,
    callees: Mapping[int, frozenset[str]] = MappingProxyType({}),
) -> list[frozenset[str]]:
    """Give the same where only the tests at the end of some blocks count, if these are given."""
    before: list[frozenset[str]] = [frozenset()] * len(graph.blocks)
    users: list[list[int]] = [[] for _ in graph.blocks]
    for block in graph.blocks:
        for number in {*graph.successors(block.number), block.on_raise}:
            users[number].append(block.number)
    pending = [block.number for block in graph.blocks]
    queued = set(pending)
    while pending:
        number = pending.pop()
        queued.discard(number)
        counts = tests is None or number in tests
        found = _at_start(graph, graph.blocks[number], before, callees, counts=counts)
        if found != before[number]:
            before[number] = found
            for user in users[number]:
                if user not in queued:
                    queued.add(user)
                    pending.append(user)
    return before


def _at_start(
    graph: cfg.Graph,
    block: cfg.Block,
    before: list[frozenset[str]],
    callees: Mapping[int, frozenset[str]],
    *,
    counts: bool,
) -> frozenset[str]:
    live: set[str] = set()
    for number in graph.successors(block.number):
        live |= before[number]
    if counts and isinstance(block.terminator, cfg.Branch):
        live.update(_of_expression(block.terminator.condition))
    # An exception may leave before any instruction, so nothing that it needs is ever dead here.
    raised = before[block.on_raise]
    for instruction in reversed(block.instructions):
        _step_back(instruction, live)
        live |= callees.get(id(instruction), frozenset())
    return frozenset(live) | raised


def _step_back(instruction: ir.Instruction, live: set[str]) -> None:
    if isinstance(instruction, ir.Unpack):
        wanted = live.intersection(instruction.targets)
        live.difference_update(wanted)
        if wanted:
            live.update(_of_operand(instruction.source))
        return
    target = getattr(instruction, "target", None)
    if isinstance(instruction, ir.SetAttribute) and f".{instruction.attribute}" in live:
        live.update(_of_operand(instruction.source))
        live.update(_of_operand(instruction.object))
    if (
        isinstance(instruction, ir.SetAttribute)
        and instruction.object == ir.Global("<outer>")
        and any(name.endswith(f".{instruction.attribute}") for name in live)
    ):
        live.update(_of_operand(instruction.source))
    if target is None or target not in live:
        return
    live.discard(target)
    if isinstance(instruction, ir.Assign):
        live.update(_of_operand(instruction.source))
    elif isinstance(instruction, ir.Compute):
        live.update(_of_expression(instruction.expression))
    elif isinstance(instruction, (ir.GetAttribute, ir.GetItem)):
        live.add(HEAP)
        live.update(_of_operand(instruction.object))
        if isinstance(instruction, ir.GetItem):
            live.add(f".{ITEMS}")
            live.update(_of_operand(instruction.key))
        else:
            live.add(f".{instruction.attribute}")
    elif isinstance(instruction, ir.Build):
        for item in instruction.elements:
            live.update(_of_operand(item))
    elif isinstance(instruction, ir.Call):
        for item in instruction.operands():
            live.update(_of_operand(item))
        if instruction.receiver is not None:
            live.update(_of_operand(instruction.receiver))
    elif isinstance(instruction, ir.Enter):
        live.update(_of_operand(instruction.manager))


def _of_expression(expression: ir.Expression) -> Iterator[str]:
    if isinstance(expression, ir.Not):
        yield from _of_expression(expression.inner)
    elif isinstance(expression, (ir.Truth, ir.IsInstance)):
        yield from _of_operand(expression.operand)
    elif isinstance(expression, (ir.Compare, ir.Arithmetic)):
        yield from _of_operand(expression.left)
        yield from _of_operand(expression.right)


def _of_operand(operand: ir.Operand) -> Iterator[str]:
    if isinstance(operand, str):
        yield operand
    elif isinstance(operand, ir.Global):
        yield f"g:{operand.name}"
