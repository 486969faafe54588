"""The directed search: from the function's entry over the acquisition to a leaking exit.

Only steps that can still reach the exit are taken, the nearest first. Tests that contradict each
other are remembered as a conflict. Where paths join again, one that agrees with an earlier, failed
one in everything that can decide a later test is not followed; a long search asks only for tests
that can keep it from the exit. A loop is run twice as it is and
then with unknown values for all that it assigns, which stands for every later pass.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.symbolic import conditions
from kimera_leakguard_native.analysis.symbolic.refusals import asked_by, refusals_on
from kimera_leakguard_native.analysis.symbolic.relevance import (
    HEAP,
    places_asked_for,
    relevant_places,
)
from kimera_leakguard_native.analysis.symbolic.slicing import deciding_tests
from kimera_leakguard_native.analysis.symbolic.solver import Answer, Budget, Literal, decide
from kimera_leakguard_native.analysis.symbolic.state import Store
from kimera_leakguard_native.analysis.symbolic.terms import (
    Atom,
    Constant,
    HasType,
    IsTrue,
    OneOf,
    Same,
    Symbol,
    symbols,
)

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.dataflow import Edge, Flow, Site
    from kimera_leakguard_native.analysis.symbolic.surroundings import Surroundings

_UNKNOWN = re.compile(r"%\d+")
MAX_WORK = 1_000_000
"""Of one candidate: values copied and compared, which is what the time goes into."""
SLICED_AFTER = 30_000
"""Work after which it pays to find out which tests cannot matter for this candidate."""
_EXACT_PASSES = 2
_MAX_PASSES = 4


@dataclass(slots=True)
class Outcome:
    """What the search found.

    Attributes
    ----------
    path : list of Edge
        A feasible path, if there is one.
    values : dict of str to object
        Values of parameters, globals and attributes under which it is taken.
    infeasible : int
        Paths that were ruled out.
    exhausted : bool
        Whether the search was cut short.
    odd : bool
        Whether a path needs a value that the function tests for None, and that is false without
        being None: an empty string, more often than not, that nobody passes.
    """

    answer: Answer
    path: list[Edge] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    queries: int = 0
    infeasible: int = 0
    exhausted: bool = False
    work: int = 0
    odd: bool = False


@dataclass(slots=True)
class _Point:
    """A place on the path that is being explored; `literals` counts those before it."""

    node: int
    store: Store
    passes: dict[int, int]
    literals: int
    choices: list[Edge]
    came: Edge | None
    key: str


class Search:
    """Looks for a feasible path to one of the targets of a flow."""

    def __init__(
        self,
        graph: cfg.Graph,
        flow: Flow,
        targets: list[int],
        around: Surroundings,
        max_work: int = MAX_WORK,
        *,
        odd: bool = True,
    ) -> None:
        self._max_work = max_work
        self._odd = odd
        self._graph = graph
        self._flow = flow
        self._targets = frozenset(targets)
        self._around = around
        self._outgoing: dict[int, list[Edge]] = {}
        for edge in flow.edges:
            self._outgoing.setdefault(edge.source, []).append(edge)
        self._distance = self._distances()
        self._trail: list[Literal] = []
        self._lines: list[int] = []
        self._present: dict[Literal, int] = {}
        self._users: dict[Symbol, list[Literal]] = {}
        self._conflicts: list[frozenset[Literal]] = []
        self._failed: set[str] = set()
        self._constants: dict[int, dict[str, tuple[Constant, ...]]] = {}
        self._refusals = refusals_on(flow, graph, around)
        self._relevant = relevant_places(graph, asked_by(self._refusals))
        self._sliced = False
        self._joins = _joins(flow)
        self._budget = Budget()
        self._work = 0
        self._outcome = Outcome(Answer.INFEASIBLE)

    def run(self) -> Outcome:
        """Search until a feasible path is found, none is left, or the budget is spent."""
        outcome = self._outcome
        outcome.exhausted = self._flow.exhausted
        points = [self._point(0, Store(self._around), {}, None)] if 0 in self._distance else []
        while points:
            if self._work > self._max_work or self._budget.exhausted():
                outcome.exhausted = True
                break
            if self._work > SLICED_AFTER and not self._sliced:
                self._slice()
            top = points[-1]
            self._undo(top.literals)
            if top.node in self._targets:
                if self._feasible(points):
                    break
                points.pop()
            elif top.choices:
                self._advance(points, top.choices.pop())
            else:
                if top.key:
                    self._failed.add(top.key)
                points.pop()
        outcome.queries = self._budget.queries
        outcome.work = self._work
        if outcome.answer is Answer.INFEASIBLE and outcome.exhausted:
            outcome.answer = Answer.UNKNOWN
        return outcome

    def _slice(self) -> None:
        """Let paths join that differ only in what cannot keep them from the exit."""
        self._sliced = True
        if self._refusals:
            return  # what callees test is no test of this function's, and would be sliced away
        tests = deciding_tests(self._graph, self._flow, self._distance, self._around)
        self._relevant = places_asked_for(self._graph, tests)
        self._work += len(self._flow.edges)

    def _distances(self) -> dict[int, int]:
        incoming: dict[int, list[int]] = {}
        for edge in self._flow.edges:
            incoming.setdefault(edge.target, []).append(edge.source)
        distance = dict.fromkeys(sorted(self._targets), 0)
        pending = deque(distance)
        while pending:
            node = pending.popleft()
            for source in incoming.get(node, ()):
                if source not in distance:
                    distance[source] = distance[node] + 1
                    pending.append(source)
        return distance

    def _point(self, node: int, store: Store, passes: dict[int, int], came: Edge | None) -> _Point:
        choices = [edge for edge in self._outgoing.get(node, ()) if edge.target in self._distance]
        choices.sort(key=lambda edge: self._distance[edge.target], reverse=True)
        key = self._key(node, store, passes) if node in self._joins else ""
        return _Point(node, store, passes, len(self._trail), choices, came, key)

    def _key(self, node: int, store: Store, passes: dict[int, int]) -> str:
        """Describe everything that the search beyond a node depends on."""
        block, _ = self._flow.nodes[node]
        live = self._relevant[block]
        terms: list[Any] = [
            (place, store.places[place]) for place in sorted(live) if place in store.places
        ]
        if HEAP in live:
            terms += sorted((i for i in store.heap.items() if f".{i[0][1]}" in live), key=repr)
        wanted: set[Symbol] = set()
        for _, term in terms:
            wanted |= symbols(term)
        wanted.update(
            symbol
            for name in live
            if name.startswith("g:") and (symbol := Symbol(name[2:], readable=True)) in self._users
        )
        literals = self._entangled(wanted)
        self._work += 20 * (len(terms) + len(literals))
        text = repr((node, sorted(passes.items()), terms, literals))
        # Unknown values are numbered as they were made: number them as they appear instead.
        names: dict[str, str] = {}
        return _UNKNOWN.sub(lambda match: names.setdefault(match.group(), f"%u{len(names)}"), text)

    def _entangled(self, wanted: set[Symbol]) -> list[Literal]:
        """Give the literals that say something about the symbols, directly or through others."""
        kept: dict[Literal, None] = {}
        pending = sorted(wanted, key=lambda symbol: symbol.name)
        seen = set(pending)
        while pending:
            for literal in self._users.get(pending.pop(), ()):
                if literal not in kept:
                    kept[literal] = None
                    fresh = symbols(literal[0]) - seen
                    seen |= fresh
                    pending.extend(sorted(fresh, key=lambda symbol: symbol.name))
        return sorted(kept, key=repr)

    def _feasible(self, points: list[_Point]) -> bool:
        """Decide a complete path; keep it if it is not infeasible."""
        verdict = decide(self._trail, self._budget)
        outcome = self._outcome
        if verdict.answer is not Answer.INFEASIBLE:
            outcome.answer = verdict.answer
            outcome.values = verdict.values
            outcome.path = [point.came for point in points if point.came is not None]
            return True
        outcome.infeasible += 1
        self._conflicts.append(frozenset(self._trail[i] for i in verdict.conflict))
        return False

    def _advance(self, points: list[_Point], edge: Edge) -> None:
        top = points[-1]
        number, _ = self._flow.nodes[edge.source]
        block = self._graph.blocks[number]
        store = top.store.copy()
        self._work += 10 + len(store.places) + len(store.heap)
        site = self._around.site
        for instruction in block.instructions[: edge.until]:
            if site is not None and instruction is site.origin and _acquires_nothing(site, store):
                self._outcome.infeasible += 1
                return
            store.run(instruction)
        if not self._can_take(edge, block, store):
            self._outcome.infeasible += 1
            return
        passes = self._pass(edge, top.passes, store)
        if passes is not None:
            point = self._point(edge.target, store, passes, edge)
            if point.key and point.key in self._failed:
                self._outcome.infeasible += 1
            else:
                points.append(point)

    def _can_take(self, edge: Edge, block: cfg.Block, store: Store) -> bool:
        """Add what a step takes for granted to the path; False if that cannot be."""
        if edge.until < len(block.instructions):
            raising = block.instructions[edge.until]
            refusal = self._refusals.get(id(raising))
            wanted, line = True, raising.line
            decided = None if refusal is None else refusal.decision(store)
        elif edge.taken is not None and isinstance(block.terminator, cfg.Branch):
            wanted, line = edge.taken, block.terminator.line
            decided = conditions.atom(block.terminator.condition, store)
        else:
            return True
        if decided is None or isinstance(decided, bool):
            return decided is None or decided is wanted
        atom, positive = decided
        return self._assume((atom, positive == wanted), line)

    def _assume(self, literal: Literal, line: int = 0) -> bool:
        """Add a literal to the path; False if that completes a conflict that is known."""
        atom, positive = literal
        if (atom, not positive) in self._present:
            return False
        for conflict in self._conflicts:
            if literal in conflict and all(
                other == literal or other in self._present for other in conflict
            ):
                return False
        if positive and isinstance(atom, HasType) and not self._fits(atom):
            return False
        if not positive and self._is_odd(atom, line):
            self._outcome.odd = True
            if not self._odd:
                return False
        self._trail.append(literal)
        self._lines.append(line)
        for symbol in symbols(atom):
            self._users.setdefault(symbol, []).append(literal)
        self._present[literal] = self._present.get(literal, 0) + 1
        return True

    def _is_odd(self, atom: Atom, line: int) -> bool:
        """Whether tests apart from each other say that something is false, and that it is not None.

        Whoever means such a value asks for it in one place.
        """
        if isinstance(atom, IsTrue) and isinstance(atom.term, Symbol) and not atom.term.integer:
            other = conditions.is_none(atom.term), False
        elif isinstance(atom, Same) and Constant(None) in (atom.left, atom.right):
            term = atom.right if atom.left == Constant(None) else atom.left
            if not isinstance(term, Symbol) or term.integer:
                return False
            other = IsTrue(term), False
        else:
            return False
        return other in self._present and self._lines[self._trail.index(other)] != line

    def _fits(self, atom: HasType) -> bool:
        """Whether one object may be of these classes and of those that the path says it is of."""
        others = [
            other.types
            for other, positive in self._trail
            if positive and isinstance(other, HasType) and other.term == atom.term
        ]
        unrelated = self._around.are_unrelated
        return not any(
            all(unrelated(one, two) for one in atom.types for two in types) for types in others
        )

    def _undo(self, length: int) -> None:
        """Take back the literals beyond a length of the path."""
        while len(self._trail) > length:
            literal = self._trail.pop()
            self._lines.pop()
            for symbol in symbols(literal[0]):
                self._users[symbol].pop()
            self._present[literal] -= 1
            if not self._present[literal]:
                del self._present[literal]

    def _flags(self, loop: cfg.Loop) -> dict[str, tuple[Constant, ...]]:
        known = self._constants.get(loop.header)
        if known is None:
            found = _constants_assigned(self._graph, loop)
            shared = self._around.shared
            known = {name: values for name, values in found.items() if name not in shared}
            self._constants[loop.header] = known
        return known

    def _pass(self, edge: Edge, passes: dict[int, int], store: Store) -> dict[int, int] | None:
        """Count the passes of a loop that is entered; None once they are all represented."""
        header, _ = self._flow.nodes[edge.target]
        loop = self._graph.loops.get(header)
        if loop is None:
            return passes
        done = passes.get(header, 0)
        if done >= _MAX_PASSES:
            return None
        if done >= _EXACT_PASSES:
            flags = {name: store.value(name) for name in self._flags(loop)}
            store.forget(sorted(loop.assigned))
            for name, before in flags.items():
                # Whatever happens in later passes, it is one of these.
                if isinstance(before, (Constant, Symbol)):
                    items = (before, *self._flags(loop)[name])
                    self._assume((OneOf(store.value(name), items, exact=True), True))
        counted = {
            other: number for other, number in passes.items() if not header < other <= loop.last
        }
        counted[header] = done + 1
        return counted


def _acquires_nothing(site: Site, store: Store) -> bool:
    none = Constant(None)
    return bool(site.needs) and all(store.value(place) == none for place in site.needs)


def _constants_assigned(graph: cfg.Graph, loop: cfg.Loop) -> dict[str, tuple[Constant, ...]]:
    """Give the variables that a loop sets to constants only, with these."""
    found: dict[str, dict[Constant, None]] = {}
    others: set[str] = set()
    for block in graph.blocks[loop.header : loop.last + 1]:
        for item in block.instructions:
            if isinstance(item, ir.Delete):
                others.add(item.name)
            elif isinstance(item, ir.Assign) and item.target in loop.assigned:
                value = item.source.value if isinstance(item.source, ir.Literal) else ...
                if value is None or isinstance(value, (bool, int, str, bytes)):
                    found.setdefault(item.target, {})[Constant(value)] = None
                else:
                    others.add(item.target)
    return {name: tuple(one) for name, one in sorted(found.items()) if name not in others}


def _joins(flow: Flow) -> frozenset[int]:
    counts = Counter(edge.target for edge in flow.edges)
    return frozenset(node for node, count in counts.items() if count > 1)
