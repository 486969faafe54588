"""What callees refuse: a function whose only raise stands behind a test at its start.

On a path that has tested the same before the call, the callee does not raise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.symbolic import conditions
from kimera_leakguard_native.analysis.symbolic.relevance import HEAP, ITEMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimera_leakguard_native.analysis.dataflow import Flow
    from kimera_leakguard_native.analysis.symbolic.conditions import Decision
    from kimera_leakguard_native.analysis.symbolic.state import Store
    from kimera_leakguard_native.analysis.symbolic.surroundings import Surroundings

_PLAIN = (ir.Assign, ir.Compute, ir.GetAttribute, ir.GetItem, ir.Build)


@dataclass(frozen=True)
class Refusal:
    """The test of a callee, with the arguments of one call.

    Attributes
    ----------
    instructions : tuple of Instruction
        Of the callee, from its entry to the test.
    raises_if : bool
        Outcome of the test with which the callee raises.
    arguments : mapping of str to Operand or None
        The caller's, by parameter; None for one that is not known.
    """

    instructions: tuple[ir.Instruction, ...]
    condition: ir.Condition
    raises_if: bool
    arguments: Mapping[str, ir.Operand | None]

    def decision(self, store: Store) -> Decision:
        """Translate "the callee raises", in the state before the call."""
        inside = store.copy()
        inside.places = {
            name: inside.fresh() if operand is None else store.value(operand)
            for name, operand in self.arguments.items()
        }
        for instruction in self.instructions:
            inside.run(instruction)
        decided = conditions.atom(self.condition, inside)
        store.made = inside.made
        if decided is None or isinstance(decided, bool):
            return None if decided is None else decided is self.raises_if
        return decided[0], decided[1] == self.raises_if

    def asks_for(self) -> frozenset[str]:
        """Give the places of the caller that the test depends on; see `relevance`."""
        found = {
            f"g:{operand.name}" if isinstance(operand, ir.Global) else operand
            for operand in self.arguments.values()
            if isinstance(operand, (str, ir.Global))
        }
        for instruction in self.instructions:
            if isinstance(instruction, ir.GetAttribute):
                found |= {HEAP, f".{instruction.attribute}"}
            elif isinstance(instruction, ir.GetItem):
                found |= {HEAP, f".{ITEMS}"}
        return frozenset(found)


def refusal_in(graph: cfg.Graph, arguments: Mapping[str, ir.Operand | None]) -> Refusal | None:
    """Find the test at the start of a function that has one raise; None where there is none."""
    entry = graph.blocks[cfg.ENTRY]
    test = entry.terminator
    if graph.is_generator or graph.is_async or not isinstance(test, cfg.Branch):
        return None
    if isinstance(test.condition, ir.Unknown):
        return None
    if not all(isinstance(item, _PLAIN) for item in entry.instructions):
        return None
    raising = [_raises(graph.blocks[n]) for n in (test.when_true, test.when_false)]
    if raising[0] == raising[1]:
        return None
    return Refusal(tuple(entry.instructions), test.condition, raising[0], arguments)


def _raises(block: cfg.Block) -> bool:
    return any(isinstance(item, ir.Raise) for item in block.instructions)


def refusals_on(flow: Flow, graph: cfg.Graph, around: Surroundings) -> dict[int, Refusal]:
    """Give what the calls refuse that raise on some step of a flow, by the call's identity."""
    found = {}
    for edge in flow.edges:
        block = graph.blocks[flow.nodes[edge.source][0]]
        if edge.until < len(block.instructions):
            call = block.instructions[edge.until]
            if isinstance(call, ir.Call) and id(call) not in found:
                refusal = around.refusal(call)
                if refusal is not None:
                    found[id(call)] = refusal
    return found


def asked_by(refusals: Mapping[int, Refusal]) -> dict[int, frozenset[str]]:
    """Give the places that refusals depend on, by the call's identity."""
    return {key: refusal.asks_for() for key, refusal in refusals.items()}
