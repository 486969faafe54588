"""Which branches of a function can be taken at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.dataflow import Edge, Flow
from kimera_leakguard_native.analysis.ownership import State
from kimera_leakguard_native.analysis.symbolic.availability import available
from kimera_leakguard_native.analysis.symbolic.executor import Search
from kimera_leakguard_native.analysis.symbolic.paths import condition_text
from kimera_leakguard_native.analysis.symbolic.solver import Answer
from kimera_leakguard_native.analysis.symbolic.surroundings import Surroundings

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.resources.catalog import Callees

MAX_WORK = 3_000
"""Of one function, in the search's unit; branches that are not decided then count as feasible."""


def feasible_conditions(graph: cfg.Graph, callees: Callees) -> list[str]:
    """Give the condition of each branch that can be taken, in the order of the source."""
    flow, branches = _plain_flow(graph)
    around = Surroundings(None, callees, graph.types)
    possible: set[Edge] = set()
    left = dict(branches)
    work = MAX_WORK
    while left and available() and work > 0:
        outcome = Search(graph, flow, sorted(left), around, work).run()
        work -= outcome.work + len(graph.blocks)
        if outcome.answer is Answer.INFEASIBLE:
            left.clear()
            break
        taken = {(edge.source, edge.taken) for edge in outcome.path if edge.taken is not None}
        covered = [
            sink for sink, edge in left.items() if (edge.source, edge.taken) in taken
        ] or sorted(left)[:1]
        possible.update(left.pop(sink) for sink in covered)
    possible.update(left.values())
    texts: dict[str, None] = {}
    for edge in sorted(possible, key=lambda one: _order(graph, one)):
        texts.setdefault(condition_text(_branch(graph, edge), taken=bool(edge.taken)))
    return list(texts)


def _order(graph: cfg.Graph, edge: Edge) -> tuple[int, int, bool]:
    return _branch(graph, edge).line, edge.source, not edge.taken


def _branch(graph: cfg.Graph, edge: Edge) -> cfg.Branch:
    end = graph.blocks[edge.source].terminator
    assert isinstance(end, cfg.Branch)  # only branches have edges with an outcome
    return end


def _plain_flow(graph: cfg.Graph) -> tuple[Flow, dict[int, Edge]]:
    """Give the graph as a flow of its blocks, with a node of its own for each branch."""
    flow = Flow(nodes=[(block.number, State(False)) for block in graph.blocks])
    branches: dict[int, Edge] = {}
    for block in graph.blocks:
        until = len(block.instructions)
        end = block.terminator
        if isinstance(end, cfg.Branch):
            for taken, target in ((True, end.when_true), (False, end.when_false)):
                flow.edges.append(Edge(block.number, target, until, taken))
                sink = len(flow.nodes)
                flow.nodes.append((target, State(False)))
                edge = Edge(block.number, sink, until, taken)
                flow.edges.append(edge)
                branches[sink] = edge
        else:
            flow.edges.extend(
                Edge(block.number, target, until, None) for target in graph.successors(block.number)
            )
        raising = [
            index
            for index, item in enumerate(block.instructions)
            if isinstance(item, (ir.Call, ir.Raise, ir.Await, ir.Yield))
        ]
        for index in {*raising[:1], *raising[-1:]}:
            flow.edges.append(Edge(block.number, block.on_raise, index, None))
    return flow, branches
