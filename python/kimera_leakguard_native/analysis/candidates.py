"""From the leaking exits of one acquisition to a tier: how the resource is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.cfg import Branch, Loop
from kimera_leakguard_native.analysis.ownership import Level

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.dataflow import Flow, Leak, Site


@dataclass(slots=True)
class Candidate:
    """A leak that the control flow allows; whether its guards can hold together is still open.

    Attributes
    ----------
    tier : str
        N, E or X.
    evident : bool
        Of tier X: whether a call in between is known to raise.
    leaks : list of Leak
        The exits of this tier, nearest first.
    """

    site: Site
    tier: str
    evident: bool
    leaks: list[Leak]


def classify(site: Site, flow: Flow, graph: Graph, *, ends_program: bool) -> list[Candidate]:
    """Group leaking exits by tier, the most certain first.

    Parameters
    ----------
    ends_program : bool
        Whether the function is where a program ends: an exit there takes the resource with it.
    """
    plain = {block for _, level, block in flow.discharges if level is Level.PLAIN}
    loop = _innermost_loop(site, graph)
    settled = _Settled(bool(plain), any(loop.header <= block <= loop.last for block in plain))
    groups: dict[tuple[str, bool], list[Leak]] = {}
    with_passes = _reached_with_passes(flow, graph)
    for leak in flow.leaks:
        kind = _tier(leak, settled, ends_program=ends_program)
        if leak.node not in with_passes:
            kind = "X", False
        groups.setdefault(kind, []).append(leak)
    order = [("N", True), ("E", True), ("X", True), ("X", False)]
    return [
        Candidate(site, tier, evident, sorted(groups[tier, evident], key=lambda leak: leak.node))
        for tier, evident in order
        if (tier, evident) in groups
    ]


@dataclass(frozen=True, slots=True)
class _Settled:
    """Whether some path of normal control settles the duty: anywhere, or in the site's loop."""

    anywhere: bool
    in_loop: bool


def _reached_with_passes(flow: Flow, graph: Graph) -> frozenset[int] | range:
    """Give the nodes that are reached without skipping a loop every pass of which settles the duty.

    Whoever hands a file to each item, or closes it after the first, counts on there being one.
    """
    settling = {
        loop.header: loop
        for loop in graph.loops.values()
        if _has_items(graph, loop)
        and any(loop.header < block <= loop.last for _, level, block in flow.discharges)
    }
    if not settling:
        return range(len(flow.nodes))
    around: set[int] = set()
    for edge in flow.edges:
        loop = settling.get(flow.nodes[edge.target][0])
        if loop is not None and loop.header < flow.nodes[edge.source][0] <= loop.last:
            around.add(edge.target)
    following: dict[int, list[int]] = {}
    for edge in flow.edges:
        skipped = edge.taken is False and flow.nodes[edge.source][0] in settling
        if not skipped or edge.source in around or not flow.nodes[edge.source][1].acquired:
            following.setdefault(edge.source, []).append(edge.target)
    reached = {0}
    pending = [0]
    while pending:
        fresh = [node for node in following.get(pending.pop(), ()) if node not in reached]
        reached.update(fresh)
        pending.extend(fresh)
    return frozenset(reached)


def _has_items(graph: Graph, loop: Loop) -> bool:
    end = graph.blocks[loop.header].terminator
    return (
        isinstance(end, Branch)
        and isinstance(end.condition, ir.Unknown)
        and end.condition.iterator is not None
    )


def _innermost_loop(site: Site, graph: Graph) -> Loop:
    around = [loop for loop in graph.loops.values() if loop.header <= site.block <= loop.last]
    return max(around, key=lambda loop: loop.header, default=Loop(0, frozenset(), -1))


def _tier(leak: Leak, settled: _Settled, *, ends_program: bool) -> tuple[str, bool]:
    state = leak.state
    if leak.exit == "raise":
        return _raising(leak, settled, ends_program=ends_program)
    if state.level is Level.PLAIN:
        released = settled.in_loop if leak.exit == "again" else settled.anywhere
        if released and ends_program and leak.exit == "return":
            # The end of the program closes it next.
            return "X", False
        return ("E" if released else "N"), True
    if ends_program and leak.exit == "return":
        return "X", False
    return ("E", True) if state.level >= Level.MODERATE else ("X", False)


def _raising(leak: Leak, settled: _Settled, *, ends_program: bool) -> tuple[str, bool]:
    state, pending = leak.state, leak.state.pending
    if pending is None:
        return "X", False
    if pending.level is not Level.PLAIN:
        evident = state.level >= Level.STRONG and state.held is None
        return "X", evident and not ends_program
    if ends_program or state.level < Level.MODERATE:
        return "X", False
    if pending.type == "builtins.SystemExit" and not settled.anywhere:
        # Nothing ever releases it: the program is meant to end here.
        return "X", False
    if state.level is Level.PLAIN and not settled.anywhere and state.held is None:
        return "N", True
    return "E", True
