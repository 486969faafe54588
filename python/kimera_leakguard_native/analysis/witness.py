"""The way from an acquisition to a leaking exit, as lines that a person can follow."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.symbolic.surroundings import mutable_places

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.dataflow import Edge, Flow, Leak


def shortest(flow: Flow, leak: Leak) -> list[Edge]:
    """Give the fewest steps from the start of the flow to the leak."""
    outgoing: dict[int, list[Edge]] = {}
    for edge in flow.edges:
        outgoing.setdefault(edge.source, []).append(edge)
    came: dict[int, Edge] = {}
    pending = deque([0])
    while pending:
        node = pending.popleft()
        if node == leak.node:
            break
        for edge in outgoing.get(node, ()):
            if edge.target not in came and edge.target != 0:
                came[edge.target] = edge
                pending.append(edge.target)
    path: list[Edge] = []
    node = leak.node
    while node in came:
        path.append(came[node])
        node = came[node].source
    return path[::-1]


def decisions(
    graph: cfg.Graph, flow: Flow, path: list[Edge], values: dict[str, Any]
) -> list[tuple[int, str]]:
    """Describe the tests, exceptions and returns along a path, from the acquisition on.

    Parameters
    ----------
    values : dict of str to object
        What the solver found for the names in the tests.
    """
    notes: list[tuple[int, str]] = []
    values = dict(values)
    mutable = mutable_places(graph)
    for edge in path:
        number, _ = flow.nodes[edge.source]
        block = graph.blocks[number]
        for item in block.instructions[: edge.until]:
            _drop_written(item, values, mutable)
        end = block.terminator
        after = flow.nodes[edge.target][1]
        if not after.acquired:
            continue
        if edge.until < len(block.instructions):
            instruction = block.instructions[edge.until]
            kind = after.pending.type if after.pending else None
            notes.append((instruction.line, _raising(instruction, kind)))
            continue
        notes.extend(
            (item.line, "returns") for item in block.instructions if isinstance(item, ir.Return)
        )
        if edge.taken is not None and isinstance(end, cfg.Branch):
            notes.append((end.line, describe(end, values, taken=edge.taken)))
        elif isinstance(end, cfg.Dispatch):
            target = flow.nodes[edge.target][0]
            notes.extend(
                (handler.line, "is caught here")
                for handler in end.handlers
                if handler.block == target
            )
    return notes


def _drop_written(
    instruction: ir.Instruction, values: dict[str, Any], mutable: frozenset[str]
) -> None:
    """Forget what the solver found for what changes: it held before."""
    names: tuple[str, ...] = ()
    if isinstance(instruction, ir.Call):
        given = (instruction.receiver, *instruction.operands())
        names = tuple(one for one in given if isinstance(one, str) and one in mutable)
    if isinstance(instruction, ir.Assign):
        names = (instruction.target,)
    elif isinstance(instruction, ir.Unpack):
        names = instruction.targets
    for name in list(values):
        if name.partition(".")[0] in names or (
            isinstance(instruction, ir.SetAttribute) and name.endswith(f".{instruction.attribute}")
        ):
            del values[name]


def describe(branch: cfg.Branch, values: dict[str, Any], *, taken: bool) -> str:
    """Put the outcome of a test into words."""
    if isinstance(branch.condition, ir.Unknown):
        if branch.condition.note == "has another item":
            return f"for … in {branch.text}: " + ("another item" if taken else "no more items")
        return f"{branch.text}: " + ("matches" if taken else "does not match")
    shown = [
        f"{name} = {value!r}"
        for name, value in values.items()
        if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", branch.text)
    ]
    suffix = f" ({', '.join(shown)})" if shown else ""
    return f"`{branch.text}` is {'true' if taken else 'false'}{suffix}"


def _raising(instruction: ir.Instruction, kind: str | None) -> str:
    what = "an exception" if kind is None else kind.rpartition(".")[2]
    if isinstance(instruction, ir.Raise):
        return f"raises {what}"
    if isinstance(instruction, ir.Call):
        if kind == "builtins.SystemExit":
            return f"{instruction.text}(…) does not come back"
        return f"{instruction.text}(…) raises {what}"
    if isinstance(instruction, ir.Await):
        return "the task is cancelled while it waits"
    if isinstance(instruction, ir.Yield):
        return "the generator is closed here" if kind else "the caller raises here"
    return f"raises {what}"
