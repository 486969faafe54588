"""Summaries of functions: what a caller has to know, worked out when it is first asked for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.closed_later import closed_later
from kimera_leakguard_native.analysis.closures import lent_variables
from kimera_leakguard_native.analysis.containers import private_containers
from kimera_leakguard_native.analysis.dataflow import Site, Tracker
from kimera_leakguard_native.analysis.given_up import given_up
from kimera_leakguard_native.analysis.obligations.words import says_nothing
from kimera_leakguard_native.analysis.ownership import (
    ALIAS,
    Discharge,
    Effect,
    Frame,
    Level,
    Returned,
)
from kimera_leakguard_native.analysis.resources.catalog import Resource
from kimera_leakguard_native.analysis.symbolic.refusals import Refusal, refusal_in

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.callgraph import Target
    from kimera_leakguard_native.analysis.effects import Effects
    from kimera_leakguard_native.analysis.function import Function
    from kimera_leakguard_native.analysis.names import Scope
    from kimera_leakguard_native.analysis.resources.catalog import Catalog
    from kimera_leakguard_native.analysis.specialization import Constants
    from kimera_leakguard_native.analysis.work_budget import WorkBudget

_CONTEXT_DECORATORS = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})
_ANY = Resource(rule="", noun="resource", release=("close",), context=True)
"""Stands for whatever is passed: closing it by method or with is what a callee can do."""
_HARMLESS = (ast.Name, ast.Constant, type(None))
NOT_CONSTANT = object()
"""Stands for an argument whose value only a run knows."""


class Summary:
    """What one call needs to know of the function that it reaches.

    Parameters
    ----------
    target : Target
        The function, with the graph and the effects that are built on demand.
    call : Call, optional
        Its constants choose between what the function does in one case and in another.
    """

    def __init__(self, target: Target, call: ir.Call | None = None) -> None:
        self._function = target.function
        self._bound = target.bound
        self._call = call
        self._constants: Constants | None = None
        self.certain = target.certain

    @property
    def function(self) -> Function:
        """The function that is called."""
        return self._function

    @property
    def constructs(self) -> bool:
        """Whether the call makes an object."""
        return self._bound and self._function.scope.name.endswith(".__init__")

    @property
    def only_assigns(self) -> bool:
        """Whether the call makes an object and does nothing that could fail on the way."""
        return (
            self.certain
            and self.constructs
            and all(
                isinstance(item, (ast.Assign, ast.AnnAssign, ast.Pass))
                and isinstance(item.value if not isinstance(item, ast.Pass) else None, _HARMLESS)
                for item in self._function.scope.body
            )
        )

    def effect(self, key: int | str) -> Effect | None:
        """Say what happens to an argument, by position or name; None if that is not known."""
        name = self._parameter(key)
        return None if name is None else self._function.effect(name, self.constants())

    def fails_with(self, key: int | str) -> bool:
        """Whether the function may raise while an argument is open and nobody else has it."""
        name = self._parameter(key)
        return name is not None and self._function.fails_with(name)

    @property
    def never_returns(self) -> bool:
        """Whether no call of the function comes back."""
        if not self.certain or not could_never_return(self._function.scope):
            return False
        return self._function.never_returns(self.constants())

    @property
    def raises(self) -> tuple[str | None, ...]:
        """Classes that the function raises on purpose."""
        return self._function.raises()

    def refusal(self) -> Refusal | None:
        """Give the test at the function's start behind which its only raise stands."""
        call, scope = self._call, self._function.scope
        decorated = getattr(scope.node, "decorator_list", None)
        if call is None or call.spread or decorated or not self.certain:
            return None
        if len(explicit_raises(scope)) != 1:
            return None
        graph = self._function.graph()
        arguments: dict[str, ir.Operand | None] = dict.fromkeys(graph.parameters)
        pairs: list[tuple[int | str, ir.Operand]] = [*enumerate(call.arguments), *call.keywords]
        for key, operand in pairs:
            name = self._parameter(key)
            if name is not None:
                arguments[name] = operand
        if self._bound and graph.parameters:
            arguments[graph.parameters[0]] = call.receiver
        return refusal_in(graph, arguments)

    def constants(self) -> Constants:
        """Give the constants of the call, and the defaults, that the function's tests ask for."""
        if self._constants is None:
            call = self._call
            if call is None or call.spread:
                self._constants = ()
                return ()
            pairs: list[tuple[int | str, ir.Operand]] = [
                *enumerate(call.arguments),
                *call.keywords,
            ]
            given = [
                (name, operand.value if isinstance(operand, ir.Literal) else NOT_CONSTANT)
                for key, operand in pairs
                if (name := self._parameter(key)) is not None
            ]
            self._constants = self._function.constants(given)
        return self._constants

    def _parameter(self, key: int | str) -> str | None:
        arguments = getattr(self._function.scope.node, "args", None)
        if arguments is None:
            return None
        if isinstance(key, str):
            named = {item.arg for item in (*arguments.args, *arguments.kwonlyargs)}
            return key if key in named else None
        positional = [item.arg for item in (*arguments.posonlyargs, *arguments.args)]
        index = key + self._bound
        return positional[index] if index < len(positional) else None


def frame_of(
    scope: Scope,
    graph: cfg.Graph,
    decorators: frozenset[str],
    catalog: Catalog,
    *,
    finalized: bool,
) -> Frame:
    """Describe the frame of a function to the tracking of ownership."""
    lent = lent_variables(graph, catalog)
    constructs = scope.class_name is not None and scope.name.endswith(".__init__")
    return Frame(
        cells=(graph.cells - lent) | scope.outer_names,
        self_name=graph.parameters[0] if constructs and graph.parameters else None,
        lends_by_yield=bool(decorators & _CONTEXT_DECORATORS),
        containers=private_containers(graph),
        finalized=finalized,
        lent=lent,
        given_up=tuple(given_up(scope)),
        closed_later=closed_later(scope),
    )


def parameter_site(name: str) -> Site:
    """Give the place where a parameter comes in."""
    return Site("parameter", _ANY, cfg.ENTRY, 0, name, ALIAS, None)


def parameter_effect(
    graph: cfg.Graph, frame: Frame, effects: Effects, name: str, budget: WorkBudget
) -> Effect | None:
    """Follow a parameter through the function that has it."""
    site = parameter_site(name)
    if name in frame.cells:
        return Effect.TAKE
    flow = Tracker(graph, site, frame, effects, budget).run()
    if flow.exhausted:
        return None
    plain = {outcome for outcome, level, _ in flow.discharges if level is Level.PLAIN}
    if graph.is_generator:
        # The body runs while the caller iterates: the generator holds the argument, and nobody can
        # end that through it unless the body does.
        return Effect.READ if not plain else Effect.TAKE
    open_at_return = any(
        leak.exit == "return" and leak.state.level is Level.PLAIN for leak in flow.leaks
    )
    if Discharge.ESCAPED in plain:
        return Effect.TAKE
    if any(isinstance(outcome, Returned) for outcome in plain):
        return Effect.DERIVE
    if Discharge.RELEASED in plain:
        return Effect.TAKE if open_at_return else Effect.RELEASE
    return Effect.BORROW


def fails_with(
    graph: cfg.Graph, frame: Frame, effects: Effects, name: str, budget: WorkBudget
) -> bool:
    """Whether a way that is known to raise leaves a function with a parameter unreleased."""
    if name in frame.cells or graph.is_generator:
        return False
    flow = Tracker(graph, parameter_site(name), frame, effects, budget).run()
    return not flow.exhausted and any(
        leak.exit == "raise" and leak.state.level >= Level.STRONG for leak in flow.leaks
    )


def never_returns(graph: cfg.Graph, effects: Effects) -> bool:
    """Whether the exit by return cannot be reached."""
    if graph.is_generator or graph.is_async:
        return False
    seen = {cfg.ENTRY}
    pending = [cfg.ENTRY]
    while pending:
        block = graph.blocks[pending.pop()]
        following: list[int] = [block.on_raise] if block.instructions else []
        for item in block.instructions:
            if isinstance(item, ir.Raise) or (
                isinstance(item, ir.Call) and effects.never_returns(item)
            ):
                break
        else:
            following.extend(graph.successors(block.number))
        for number in following:
            if number == cfg.RETURN_EXIT:
                return False
            if number not in seen:
                seen.add(number)
                pending.append(number)
    return True


def could_never_return(scope: Scope) -> bool:
    """Cheap test before the real one: no return, no yield, and an end that could leave."""
    node = scope.node
    if isinstance(node, (ast.Lambda, ast.Module, ast.AsyncFunctionDef)):
        return False
    last = node.body[-1]
    if is_abstract(scope):
        return False
    if not isinstance(last, (ast.Raise, ast.Expr, ast.If, ast.Try, ast.With, ast.While)):
        return False
    if isinstance(last, ast.Expr) and not isinstance(last.value, ast.Call):
        return False
    return not any(
        isinstance(item, (ast.Return, ast.Yield, ast.YieldFrom)) for item in _own_nodes(node.body)
    )


def is_abstract(scope: Scope) -> bool:
    """Whether the body says nothing: subclasses, or somebody at run time, do the work."""
    return not isinstance(scope.node, (ast.Lambda, ast.Module)) and says_nothing(scope.node)


def explicit_raises(scope: Scope) -> list[ast.expr]:
    """Find what a function raises on purpose and does not catch itself."""
    if isinstance(scope.node, (ast.Lambda, ast.Module)):
        return []
    found = []
    stack: list[ast.AST] = list(scope.node.body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            found.append(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
        if isinstance(node, ast.Try) and node.handlers:
            stack.extend([*node.orelse, *node.finalbody])
            stack.extend(item for handler in node.handlers for item in handler.body)
            continue
        stack.extend(ast.iter_child_nodes(node))
    return found


def _own_nodes(body: list[ast.stmt]) -> list[ast.AST]:
    found: list[ast.AST] = []
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        found.append(node)
        stack.extend(ast.iter_child_nodes(node))
    return found
