"""Queries: do these atoms hold together? Counted, bounded, and only the entangled ones are sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis.symbolic import regions
from kimera_leakguard_native.analysis.symbolic.constraints import Theory
from kimera_leakguard_native.analysis.symbolic.evaluation import confirmed
from kimera_leakguard_native.analysis.symbolic.terms import (
    Atom,
    Constant,
    Identical,
    IsTrue,
    Less,
    Same,
    Symbol,
    Term,
    symbols,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Literal = tuple[Atom, bool]

MAX_QUERIES = 256
_MAX_RESOURCES = 4_000_000
"""Of one query, in the solver's own unit: a limit in seconds would make the output vary."""


class Answer(Enum):
    """What is known of a set of atoms or of a path."""

    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Budget:
    """What one candidate may cost; `queries` counts decisions that took more than a look."""

    queries: int = 0

    def exhausted(self) -> bool:
        """Whether it is time to stop."""
        return self.queries >= MAX_QUERIES


@dataclass(slots=True)
class Verdict:
    """The answer to one query.

    Attributes
    ----------
    conflict : tuple of int
        Positions of literals that cannot hold together, if infeasible.
    values : dict of str to object
        Readable symbols with values under which all literals hold, if feasible.
    """

    answer: Answer
    conflict: tuple[int, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)


def decide(literals: list[Literal], budget: Budget) -> Verdict:
    """Decide whether literals hold together."""
    seen: dict[Atom, tuple[bool, int]] = {}
    for position, (atom, positive) in enumerate(literals):
        earlier = seen.setdefault(atom, (positive, position))
        if earlier[0] != positive:
            return Verdict(Answer.INFEASIBLE, (earlier[1], position))
    wanted = _entangled(literals)
    sent = set(wanted)
    easy = {
        name: value
        for position, literal in enumerate(literals)
        if position not in sent
        for name, value in _easy_values(*literal)
    }
    if not wanted:
        return Verdict(Answer.FEASIBLE, values=confirmed(literals, easy))
    budget.queries += 1
    verdict = _in_regions(literals, wanted)
    if verdict.answer is Answer.UNKNOWN:
        verdict = _ask(literals, wanted)
    verdict.values = confirmed(literals, {**easy, **verdict.values})
    return verdict


def _in_regions(literals: list[Literal], wanted: list[int]) -> Verdict:
    """Decide the tests of each unknown that is only compared with constants."""
    groups: dict[Symbol, list[int]] = {}
    complete = True
    for position in wanted:
        found = symbols(literals[position][0])
        if len(found) == 1:
            groups.setdefault(next(iter(found)), []).append(position)
        else:
            complete = False
    values: dict[str, Any] = {}
    for symbol, positions in groups.items():
        fitting = [p for p in positions if regions.applies(literals[p][0], symbol)]
        complete = complete and len(fitting) == len(positions)
        if not fitting:
            continue
        possible, found_here = regions.decide(symbol, [literals[p] for p in fitting])
        if not possible:
            return Verdict(Answer.INFEASIBLE, tuple(fitting[one] for one in found_here))
        if symbol.readable:
            values[symbol.name] = found_here
    return Verdict(Answer.FEASIBLE if complete else Answer.UNKNOWN, values=values)


def _easy_values(atom: Atom, positive: bool) -> Iterator[tuple[str, Any]]:
    """Give a value for the one symbol of a test that no other test restricts."""
    if isinstance(atom, IsTrue) and isinstance(atom.term, Symbol) and atom.term.readable:
        yield atom.term.name, positive
    elif isinstance(atom, Same):
        for symbol, other in ((atom.left, atom.right), (atom.right, atom.left)):
            if not (isinstance(symbol, Symbol) and symbol.readable and isinstance(other, Constant)):
                continue
            if not other.enumeration and positive:
                yield symbol.name, other.value
            elif other.value is None:
                yield symbol.name, True
    elif isinstance(atom, Less):
        yield from _easy_number(atom.left, atom.right, -1 if positive else 1)
        yield from _easy_number(atom.right, atom.left, 1 if positive else -1)


def _easy_number(term: Term, bound: Term, step: int) -> Iterator[tuple[str, Any]]:
    if not (isinstance(term, Symbol) and term.readable and isinstance(bound, Constant)):
        return
    if isinstance(bound.value, (int, float)):
        yield term.name, bound.value + step


def _entangled(literals: list[Literal]) -> list[int]:
    """Drop what can always be made true: a test of a symbol that occurs nowhere else."""
    users = [symbols(atom) for atom, _ in literals]
    counts = Counter(symbol for one in users for symbol in one)
    by_symbol: dict[Symbol, set[int]] = {}
    for position, one in enumerate(users):
        for symbol in one:
            by_symbol.setdefault(symbol, set()).add(position)
    kept = dict.fromkeys(range(len(literals)))
    pending = list(kept)
    while pending:
        position = pending.pop()
        if position in kept and _is_free(literals[position][0], counts):
            del kept[position]
            for symbol in users[position]:
                counts[symbol] -= 1
                by_symbol[symbol].discard(position)
                pending.extend(sorted(by_symbol[symbol]))
    return list(kept)


def _is_free(atom: Atom, counts: Counter[Symbol]) -> bool:
    def lonely(term: Term) -> bool:
        return isinstance(term, Symbol) and not term.integer and counts[term] == 1

    if isinstance(atom, (Same, Identical, Less)):
        # Whatever the other side is, a value that is in no other test can be chosen to fit.
        return lonely(atom.left) != lonely(atom.right)
    return lonely(atom.term)


def _ask(literals: list[Literal], wanted: list[int]) -> Verdict:
    import z3

    theory = Theory(z3)
    solver = z3.Solver()
    solver.set("rlimit", _MAX_RESOURCES)
    solver.set("random_seed", 0)
    for position in wanted:
        atom, positive = literals[position]
        formula = theory.formula(atom)
        tracker = z3.Bool(f"literal {position}")
        solver.assert_and_track(formula if positive else z3.Not(formula), tracker)
    solver.add(*theory.axioms)
    answer = solver.check()
    if answer == z3.unsat:
        core = tuple(sorted(int(str(item).rpartition(" ")[2]) for item in solver.unsat_core()))
        return Verdict(Answer.INFEASIBLE, core)
    if answer != z3.sat:
        return Verdict(Answer.UNKNOWN)
    model = solver.model()
    for wish in (theory.preferred, theory.whole()):
        solver.add(*wish)
        if not wish or solver.check() != z3.sat:
            break
        model = solver.model()
    named = {s for position in wanted for s in symbols(literals[position][0]) if s.readable}
    values = {
        symbol.name: value
        for symbol in sorted(named, key=lambda item: item.name)
        if (value := theory.reading(model, symbol)) is not Ellipsis
    }
    return Verdict(Answer.FEASIBLE, values=values)
