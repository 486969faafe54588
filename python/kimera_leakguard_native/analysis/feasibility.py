"""Whether the guards along a candidate's path hold together: the joint to the symbolic stage."""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.candidates import Candidate, classify
from kimera_leakguard_native.analysis.dataflow import Flow, Leak, Tracker
from kimera_leakguard_native.analysis.symbolic.executor import Outcome, Search
from kimera_leakguard_native.analysis.symbolic.solver import Answer
from kimera_leakguard_native.analysis.symbolic.surroundings import (
    Surroundings,
    changing_names,
    constants_of,
    mutable_places,
    shared_names,
)

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.names import ClassScope, Scope
    from kimera_leakguard_native.analysis.project import Function
    from kimera_leakguard_native.analysis.symbolic.refusals import Refusal


_EXAMPLES: dict[str, tuple[object, object]] = {
    "builtins.str": ("", "x"),
    "builtins.bytes": (b"", b"x"),
    "builtins.list": ([], [None]),
    "builtins.dict": ({}, {None: None}),
    "builtins.set": (set(), {None}),
}
"""Of classes that a parameter is annotated with: a false value and a true one."""


class Feasibility:
    """Answers for the candidates of one acquisition."""

    def __init__(self, function: Function, candidate: Candidate, *, ends_program: bool) -> None:
        self._function = function
        graph = function.graph()
        self.flow: Flow = Tracker(graph, candidate.site, function.frame(), function.effects).run(
            from_entry=True
        )
        self._groups = {
            (item.tier, item.evident): item
            for item in classify(candidate.site, self.flow, graph, ends_program=ends_program)
        }
        self._around = Surroundings(
            site=candidate.site,
            callees=function.project.catalog.callees,
            types=graph.types,
            self_name=graph.parameters[0]
            if graph.parameters and function.scope.class_name
            else None,
            steady=_steady(function),
            module=function.module.name,
            changing=changing_names(function.module),
            shared=shared_names(function.module, function.scope),
            mutable=mutable_places(graph),
            constants=constants_of(function.module),
            is_plain=function.project.is_plain_class,
            are_unrelated=function.project.are_unrelated,
            refusal=partial(_refusal, function),
        )

    def decide(self, candidate: Candidate) -> Outcome:
        """Search for a feasible path to one of the exits of a candidate's tier."""
        group = self._groups.get((candidate.tier, candidate.evident))
        if group is None:
            # The exit was seen from the acquisition on, so only a cut-short search misses it.
            return Outcome(Answer.UNKNOWN, exhausted=True)
        targets = [leak.node for leak in group.leaks]
        graph = self._function.graph()
        outcome = Search(graph, self.flow, targets, self._around, odd=False).run()
        if outcome.answer is Answer.INFEASIBLE and outcome.odd:
            first, outcome = outcome, Search(graph, self.flow, targets, self._around).run()
            outcome.odd = outcome.answer is not Answer.INFEASIBLE
            outcome.work += first.work
            outcome.queries += first.queries
        else:
            outcome.odd = False
        for name, kind in self._around.types.items():
            value = outcome.values.get(name)
            if isinstance(value, bool) and kind in _EXAMPLES:
                # Only its truth was asked for: show it as what the annotation says it is.
                outcome.values[name] = _EXAMPLES[kind][value]
        return outcome

    def leak_at(self, candidate: Candidate, node: int) -> Leak:
        """Give the leak of the candidate's tier at a node."""
        return next(
            leak
            for leak in self._groups[candidate.tier, candidate.evident].leaks
            if leak.node == node
        )


def has_guards(graph: cfg.Graph) -> bool:
    """Whether a function has a test that could contradict another."""
    return any(
        isinstance(block.terminator, cfg.Branch)
        and not isinstance(block.terminator.condition, ir.Unknown)
        for block in graph.blocks
    )


def _refusal(function: Function, call: ir.Call) -> Refusal | None:
    summary = function.effects.summary(call)
    return None if summary is None else summary.refusal()


def _steady(function: Function) -> frozenset[str]:
    """Attributes of self that no method but the constructor assigns."""
    scope: Scope | None = function.scope
    while scope is not None and scope.class_name is None:
        scope = scope.parent
    if scope is None or scope.class_name is None:
        return frozenset()
    owner: ClassScope = function.module.classes[scope.class_name]
    read: set[str] = set()
    changed: set[str] = set()
    for name, method in owner.methods.items():
        for node in ast.walk(method.node):
            if isinstance(node, ast.Attribute):
                if isinstance(node.ctx, ast.Load):
                    read.add(node.attr)
                elif name != "__init__":
                    changed.add(node.attr)
    return frozenset(read - changed)
