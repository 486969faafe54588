"""One function of the project, with everything that is worked out about it, once."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.callgraph import CallResolver
from kimera_leakguard_native.analysis.effects import Effects
from kimera_leakguard_native.analysis.lowering import lower
from kimera_leakguard_native.analysis.ownership import Effect
from kimera_leakguard_native.analysis.returned import NO_RESOURCE, Returning, returned_by
from kimera_leakguard_native.analysis.specialization import (
    Constants,
    Guards,
    constant,
    specialize,
)
from kimera_leakguard_native.analysis.summaries import (
    could_never_return,
    explicit_raises,
    fails_with,
    frame_of,
    never_returns,
    parameter_effect,
)
from kimera_leakguard_native.analysis.work_budget import WorkBudget
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.names import ModuleScopes, Scope
    from kimera_leakguard_native.analysis.ownership import Frame
    from kimera_leakguard_native.analysis.project import Project

MAX_SPECIALIZED = 16
"""Sets of constants for which one function gets summaries of their own."""


class Function:
    """One scope of the project with everything that is worked out about it, once."""

    def __init__(self, project: Project, module: ModuleScopes, scope: Scope) -> None:
        self.project = project
        self.module = module
        self.scope = scope
        self.calls = CallResolver(project, module, scope)
        self.effects = Effects(project.catalog, self.calls, project.handlers)
        self._graph: Graph | None = None
        self._no_graph: AnalysisError | None = None
        self._frame: Frame | None = None
        self._guards: Guards | None = None
        self._specialized: set[Constants] = set()
        self._summary_budget = WorkBudget()
        self._raises: tuple[str | None, ...] | None = None

    @property
    def qualified_name(self) -> str:
        """Name with the module's."""
        return f"{self.module.name}.{self.scope.name}"

    def graph(self) -> Graph:
        """Lower the function.

        Raises
        ------
        AnalysisError
            The graph would be too large.
        """
        if self._no_graph is not None:
            raise self._no_graph
        if self._graph is None:
            try:
                self._graph = lower(self.module, self.scope)
            except AnalysisError as error:
                # Every caller asks again, and each attempt costs as much as the first.
                self._no_graph = AnalysisError(str(error))
                raise
        return self._graph

    def forget_graph(self) -> None:
        """Give the memory of the graph back; it is built again if need be."""
        self._graph = None
        self._frame = None
        self.calls.forget()

    def frame(self) -> Frame:
        """Describe the frame."""
        if self._frame is None:
            self._frame = self._described()
        return self._frame

    def _described(self) -> Frame:
        decorators = frozenset(
            name
            for item in getattr(self.scope.node, "decorator_list", [])
            if (name := self.module.qualify(self.module.body, item)) is not None
        )
        owner = self.module.classes.get(self.scope.class_name or "")
        finalized = owner is not None and "__del__" in owner.methods
        return frame_of(
            self.scope, self.graph(), decorators, self.project.catalog, finalized=finalized
        )

    def constants(self, given: Iterable[tuple[str, object]]) -> Constants:
        """Choose from the values of parameters those that the function's tests ask for."""
        node = self.scope.node
        if isinstance(node, ast.Module):
            return ()
        known = dict(_defaults(node.args))
        known.update(given)
        try:
            if self._guards is None:
                self._guards = Guards(self.graph())
        except (RecursionError, AnalysisError):
            return ()
        guards = self._guards
        found = [constant(name, value) for name, value in known.items()]
        chosen = tuple(sorted(item for item in found if item is not None and guards.relevant(item)))
        if chosen not in self._specialized:
            if len(self._specialized) >= MAX_SPECIALIZED:
                return ()
            self._specialized.add(chosen)
        return chosen

    def effect(self, parameter: str, constants: Constants = ()) -> Effect | None:
        """Say what the function does with an argument."""

        def compute() -> Effect | None:
            try:
                return self._effect(parameter, constants)
            except (RecursionError, AnalysisError):
                return None

        return self.project.equations.solve(
            ("effect", self.qualified_name, parameter, constants), compute, None
        )

    def _effect(self, parameter: str, constants: Constants) -> Effect | None:
        from kimera_leakguard_native.analysis.obligations.keepers import keeping

        graph, frame = specialize(self.graph(), constants), self.frame()
        known = parameter_effect(graph, frame, self.effects, parameter, self._summary_budget)
        if known is Effect.TAKE and frame.self_name is not None:
            return keeping(self, parameter)
        return known

    def fails_with(self, parameter: str) -> bool:
        """Whether the function may raise while an argument is open and nobody else has it."""

        def compute() -> bool:
            try:
                budget = self._summary_budget
                return fails_with(self.graph(), self.frame(), self.effects, parameter, budget)
            except (RecursionError, AnalysisError):
                return False

        return self.project.equations.solve(
            ("fails with", self.qualified_name, parameter), compute, unknown=False
        )

    def never_returns(self, constants: Constants = ()) -> bool:
        """Whether no call comes back."""
        if not could_never_return(self.scope):
            return False

        def compute() -> bool:
            try:
                return never_returns(specialize(self.graph(), constants), self.effects)
            except (RecursionError, AnalysisError):
                return False

        # Functions that only call each other do not come back either.
        return self.project.equations.solve(
            ("leaves", self.qualified_name, constants), compute, unknown=True, given_up=False
        )

    def returning(self, constants: Constants = ()) -> Returning:
        """Say which resources the function hands to its callers.

        Raises
        ------
        AnalysisError
            The graph would be too large.
        """

        def compute() -> Returning:
            return returned_by(self, specialize(self.graph(), constants))

        known = len(self.project.acquirers.provided)
        return self.project.equations.solve(
            ("returns", self.qualified_name, constants, known), compute, NO_RESOURCE
        )

    def raises(self) -> tuple[str | None, ...]:
        """Give the classes that the function raises on purpose."""
        if self._raises is None:
            names = [self.module.qualify(self.scope, item) for item in explicit_raises(self.scope)]
            self._raises = tuple(
                name
                for name in names
                if name not in ("builtins.NotImplementedError", "builtins.TypeError", None)
            )
        return self._raises


def _defaults(arguments: ast.arguments) -> list[tuple[str, object]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    last = positional[len(positional) - len(arguments.defaults) :]
    pairs = [
        *zip(last, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return [(item.arg, node.value) for item, node in pairs if isinstance(node, ast.Constant)]
