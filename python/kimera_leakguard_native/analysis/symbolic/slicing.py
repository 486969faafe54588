"""Which tests can keep a search from its exit: the slice of a function for one candidate.

A test matters if one of its outcomes leads away from the exit, if it decides whether such a test
is met, or if it decides what one of them compares. Of all others either outcome will do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.symbolic.relevance import HEAP, ITEMS, places_asked_for
from kimera_leakguard_native.analysis.symbolic.surroundings import MUTATORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kimera_leakguard_native.analysis.dataflow import Flow
    from kimera_leakguard_native.analysis.symbolic.surroundings import Surroundings

_END = -1
"""Follows every exit that is looked for."""


def deciding_tests(
    graph: cfg.Graph, flow: Flow, distance: Mapping[int, int], around: Surroundings
) -> frozenset[int]:
    """Give the blocks whose tests matter.

    Parameters
    ----------
    distance : mapping of int to int
        The nodes of the flow from which an exit of the candidate can be reached, with the number of
        steps.
    """
    following: dict[int, list[int]] = {number: [] for number in distance}
    outcomes: dict[int, int] = {}
    for edge in flow.edges:
        if edge.source in distance and edge.target in distance:
            following[edge.source].append(edge.target)
            outcomes[edge.source] = outcomes.get(edge.source, 0) + (edge.taken is not None)
    for number, steps in distance.items():
        if steps == 0:
            following[number].append(_END)
    deciders = _deciders(following)
    of_block: dict[int, list[int]] = {}
    for number in distance:
        of_block.setdefault(flow.nodes[number][0], []).append(number)
    branching = {
        block for block in of_block if isinstance(graph.blocks[block].terminator, cfg.Branch)
    }
    tests = {
        block
        for block in branching
        if any(outcomes.get(number, 0) == 1 for number in of_block[block])
    }
    outside = around.shared | {f"g:{around.module}.{name}" for name in around.changing}
    while True:
        before = places_asked_for(graph, frozenset(tests))
        chosen = tests | {
            block
            for block in of_block
            if _sets(graph.blocks[block], _live_in(graph, block, before), around, outside)
        }
        pending = [number for block in chosen for number in of_block[block]]
        deciding: set[int] = set()
        while pending:
            fresh = deciders.get(pending.pop(), set()) - deciding
            deciding |= fresh
            pending.extend(fresh)
        found = tests | {flow.nodes[number][0] for number in deciding} & branching
        if found == tests:
            return frozenset(tests)
        tests = found


def _live_in(graph: cfg.Graph, number: int, before: list[frozenset[str]]) -> frozenset[str]:
    """Give what is asked for at the start of a block or after it."""
    rest = (before[one] for one in (*graph.successors(number), graph.blocks[number].on_raise))
    return before[number].union(*rest)


def _sets(
    block: cfg.Block, live: frozenset[str], around: Surroundings, outside: frozenset[str]
) -> bool:
    """Whether a block may change a value that a test asks for."""
    return any(_changes(item, live, around, outside) for item in block.instructions)


def _changes(
    item: ir.Instruction, live: frozenset[str], around: Surroundings, outside: frozenset[str]
) -> bool:
    if isinstance(item, ir.Unpack):
        return not live.isdisjoint(item.targets)
    if isinstance(item, ir.Delete):
        return item.name in live
    if isinstance(item, ir.SetAttribute):
        return f".{item.attribute}" in live or item.object == ir.Global("<outer>")
    if isinstance(item, ir.SetItem):
        return f".{ITEMS}" in live or item.object in live
    if isinstance(item, (ir.Await, ir.Yield)) and (HEAP in live or not outside.isdisjoint(live)):
        return True
    if isinstance(item, ir.Call):
        if not outside.isdisjoint(live):
            return True
        given = (*item.operands(), *(() if item.receiver is None else (item.receiver,)))
        if any(isinstance(one, str) and one in live for one in given) and (
            HEAP in live or item.method in MUTATORS or not around.mutable.isdisjoint(live)
        ):
            return True
    return getattr(item, "target", None) in live


def _deciders(following: Mapping[int, Iterable[int]]) -> dict[int, set[int]]:
    """Give for each node those at which it is decided whether the node is met at all."""
    after = _immediate_postdominators(following)
    found: dict[int, set[int]] = {}
    for number, targets in following.items():
        for target in targets:
            met = target
            while met != after[number]:
                found.setdefault(met, set()).add(number)
                met = after[met]
    return found


def _immediate_postdominators(following: Mapping[int, Iterable[int]]) -> dict[int, int]:
    """Give for each node the first one that every way from it to the end meets.

    The iteration of Cooper, Harvey and Kennedy, A Simple, Fast Dominance Algorithm (2001), on the
    reversed graph.
    """
    before: dict[int, list[int]] = {}
    for number, targets in following.items():
        for target in targets:
            before.setdefault(target, []).append(number)
    order = _finished_last(before)
    rank = {number: place for place, number in enumerate(order)}
    after = {_END: _END}
    changed = True
    while changed:
        changed = False
        for number in order[1:]:
            chosen: int | None = None
            for target in following[number]:
                if target not in after:
                    continue
                chosen = target if chosen is None else _meeting(chosen, target, after, rank)
            if chosen is not None and after.get(number) != chosen:
                after[number] = chosen
                changed = True
    return after


def _meeting(one: int, other: int, after: Mapping[int, int], rank: Mapping[int, int]) -> int:
    while one != other:
        while rank[one] > rank[other]:
            one = after[one]
        while rank[other] > rank[one]:
            other = after[other]
    return one


def _finished_last(before: Mapping[int, list[int]]) -> list[int]:
    """Give the nodes of the reversed graph from its root on, in reverse postorder."""
    order: list[int] = []
    seen = {_END}
    stack = [(_END, iter(before.get(_END, ())))]
    while stack:
        number, rest = stack[-1]
        for one in rest:
            if one not in seen:
                seen.add(one)
                stack.append((one, iter(before.get(one, ()))))
                break
        else:
            order.append(number)
            stack.pop()
    return order[::-1]
