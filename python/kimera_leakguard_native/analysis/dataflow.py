"""From one acquisition along all paths to the exits that it reaches unreleased.

The states of different paths are kept apart instead of being merged: a state that is released or
handed on is dropped at once, so that few remain, and each leak keeps the path that led to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.exceptions import Catch
from kimera_leakguard_native.analysis.handlers import expected_by
from kimera_leakguard_native.analysis.number_conversions import converts_number
from kimera_leakguard_native.analysis.open_tests import decide_after
from kimera_leakguard_native.analysis.ownership import (
    ALIAS,
    INNER,
    Discharge,
    Frame,
    Level,
    Pending,
    Returned,
    State,
    is_using,
)
from kimera_leakguard_native.analysis.transfer import transfer
from kimera_leakguard_native.analysis.work_budget import WorkBudget

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.effects import Effects
    from kimera_leakguard_native.analysis.resources.catalog import Resource
    from kimera_leakguard_native.analysis.returned import Provided

MAX_NODES = 60_000
"""States of one acquisition; beyond it the search stops and the budget counts as exhausted."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a resource comes into being: an instruction, or a parameter if `origin` is None.

    Attributes
    ----------
    role : str
        Role of the call's result: the resource itself or a tuple with it at an index.
    held : str or None
        Without an origin: the attribute of self that holds it when the function is called.
    provided : Provided or None
        Where the called function of the project has it from.
    maker : Call or None
        Where the object is made that a call opens.
    needs : tuple of str
        Places one of which has to be something else than None, or the call acquires nothing.
    """

    kind: str
    resource: Resource
    block: int
    index: int
    place: str
    role: str
    origin: ir.Instruction | None
    held: str | None = None
    provided: Provided | None = None
    maker: ir.Call | None = None
    needs: tuple[str, ...] = ()

    @property
    def call(self) -> ir.Call | None:
        """The acquiring call; None for parameters and displays."""
        return self.origin if isinstance(self.origin, ir.Call) else None

    def acquired(self) -> State:
        """Give the state after the acquisition."""
        state = State(True).bind(self.place, self.role)
        # What a method gives beside what it opens belongs to that.
        return state.bind(self.call.target, INNER) if self.maker and self.call else state


class Edge(NamedTuple):
    """A step between two nodes of the flow.

    Attributes
    ----------
    until : int
        Instructions of the source block that ran: all of them if this is their number.
    taken : bool or None
        Outcome of the source block's test, if the step is one.
    """

    source: int
    target: int
    until: int
    taken: bool | None


@dataclass(slots=True)
class Leak:
    """An exit that is reached with the resource open.

    Attributes
    ----------
    exit : str
        ``return``, ``raise`` or ``again`` (acquired once more while still open).
    """

    node: int
    exit: str
    state: State
    line: int


@dataclass(slots=True)
class Flow:
    """The states of one acquisition at every block, and how they follow each other.

    Attributes
    ----------
    discharges : set of (outcome, level, block)
        Where the resource was released or handed on.
    ends : list of (outcome, instruction)
        The same by instruction.
    exhausted : bool
        Whether there were more states than the limit.
    """

    nodes: list[tuple[int, State]] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)
    discharges: set[tuple[Discharge | Returned, Level, int]] = field(default_factory=set)
    ends: list[tuple[Discharge | Returned, ir.Instruction]] = field(default_factory=list)
    exhausted: bool = False


def _before(instruction: ir.Instruction, state: State) -> State:
    """Give the state after an instruction on the way to the acquisition."""
    if isinstance(instruction, ir.EndHandler):
        return state._replace(caught=None)
    if isinstance(instruction, ir.Return):
        return state._replace(pending=None, caught=None)
    return state


class Tracker:
    """Follows one acquisition through one graph.

    Parameters
    ----------
    budget : WorkBudget, optional
        Shared with the other acquisitions of the function; one of its own if there is none.
    """

    def __init__(
        self,
        graph: cfg.Graph,
        site: Site,
        frame: Frame,
        effects: Effects,
        budget: WorkBudget | None = None,
    ) -> None:
        self._budget = WorkBudget() if budget is None else budget
        self._graph = graph
        self._site = site
        self._frame = frame
        self._effects = effects
        self._catches = effects.handlers.catches
        self._flow = Flow()
        self._numbers: dict[tuple[int, State], int] = {}
        self._pending: list[int] = []
        self._from_entry = False

    def run(self, *, from_entry: bool = False) -> Flow:
        """Explore all paths.

        Parameters
        ----------
        from_entry : bool
            Whether the way from the function's entry to the acquisition is explored too.
        """
        site, flow = self._site, self._flow
        self._from_entry = from_entry
        if site.held is not None:
            self._node(cfg.ENTRY, State(True, held=site.held))
        elif site.origin is None:
            self._node(cfg.ENTRY, site.acquired())
        elif from_entry:
            self._node(cfg.ENTRY, State(False))
        else:
            start = self._node(site.block, State(False))
            self._pending.pop()
            self._block(start, first=site.index)
        while self._pending:
            if len(flow.nodes) > MAX_NODES or self._budget.exhausted:
                flow.exhausted = True
                break
            self._block(self._pending.pop())
        return flow

    def _node(self, block: int, state: State) -> int:
        key = (block, state)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._flow.nodes)
            self._flow.nodes.append(key)
            self._pending.append(number)
        return number

    def _step(
        self, source: int, block: int, state: State, until: int, taken: bool | None = None
    ) -> None:
        target = self._node(block, state)
        self._flow.edges.append(Edge(source, target, until, taken))

    def _block(self, number: int, first: int = 0) -> None:
        where, state = self._flow.nodes[number]
        if where in (cfg.RETURN_EXIT, cfg.RAISE_EXIT):
            if state.acquired:
                self._at_exit(number, where, state)
            return
        block = self._graph.blocks[where]
        self._budget.spend((2 + len(block.instructions) - first) * (2 + len(state.roles)))
        for index in range(first, len(block.instructions)):
            after = self._instruction(number, block, index, state)
            if after is None:
                return
            state = after
        self._terminator(number, block, state)

    def _at_exit(self, number: int, where: int, state: State) -> None:
        if where == cfg.RETURN_EXIT:
            if state.held is None:
                self._flow.leaks.append(Leak(number, "return", state, 0))
            else:
                self._flow.discharges.add((Discharge.ESCAPED, state.level, where))
        elif state.held is not None and self._frame.finalized:
            self._flow.discharges.add((Discharge.ESCAPED, state.level, where))
        else:
            line = state.pending.line if state.pending is not None else 0
            self._flow.leaks.append(Leak(number, "raise", state, line))

    def _instruction(self, number: int, block: cfg.Block, index: int, state: State) -> State | None:
        instruction = block.instructions[index]
        site = self._site
        if isinstance(instruction, ir.Raise):
            self._raise(number, block, index, instruction, state)
            return None
        if instruction is site.origin:
            opened = site.maker is not None and state.role(site.place) == ALIAS
            if state.acquired and (opened or state.contained()):
                # What is open already; or one more, while the first is safe in its container.
                self._may_raise(number, block, index, state)
                return state if opened else state.bind(site.place, None)
            if state.acquired:
                self._flow.leaks.append(Leak(number, "again", state, instruction.line))
                return None
            if self._from_entry:
                raised = site.resource.may_raise
                self._throw(
                    number,
                    block,
                    index,
                    state,
                    Pending(next(iter(raised), None), Level.STRONG, instruction.line),
                )
            return site.acquired()
        if isinstance(instruction, ir.Call) and self._effects.never_returns(instruction):
            if not self._effects.ends_process(instruction):
                # Whatever is thrown for it, nobody in this function expects to go on.
                self._throw(
                    number,
                    block,
                    index,
                    state,
                    Pending("builtins.SystemExit", Level.PLAIN, instruction.line),
                )
            return None
        if not state.acquired:
            self._may_raise(number, block, index, state)
            return _before(instruction, state)
        effects = (
            self._effects.on_arguments(instruction, state, site.resource)
            if isinstance(instruction, ir.Call)
            else ()
        )
        outcome = transfer(instruction, state, self._frame, site.resource, effects)
        if isinstance(outcome, State):
            # Where the resource is handed over, the new owner answers for a failure.
            self._may_raise(number, block, index, state)
            return outcome
        if outcome is not Discharge.RELEASED and (
            self._frame.gives_up(instruction.line, state)
            or (isinstance(instruction, ir.Call) and self._effects.fails_with(instruction, state))
        ):
            # A callee which fails has not taken the resource over: a handler, or its body, says so.
            self._may_raise(number, block, index, state)
        self._flow.discharges.add((outcome, state.level, block.number))
        self._flow.ends.append((outcome, instruction))
        return None

    def _may_raise(self, number: int, block: cfg.Block, index: int, state: State) -> None:
        instruction = block.instructions[index]
        if isinstance(instruction, ir.Yield) and self._frame.lends_by_yield:
            # The body of the with statement raises here.
            pending = Pending(None, Level.STRONG, instruction.line)
        else:
            if isinstance(instruction, (ir.GetAttribute, ir.GetItem)):
                for kind in expected_by(self._graph, block, instruction):
                    self._throw(
                        number, block, index, state, Pending(kind, Level.WEAK, instruction.line)
                    )
                return
            raised = self._effects.raised(instruction, state, self._site.resource)
            if raised is None or converts_number(block.instructions, index):
                return
            pending = Pending(raised.type, raised.level, instruction.line)
        self._throw(number, block, index, state, pending)

    def _throw(
        self, number: int, block: cfg.Block, index: int, state: State, pending: Pending
    ) -> None:
        level = min(state.level, pending.level) if state.acquired else Level.PLAIN
        self._step(
            number, block.on_raise, state._replace(pending=pending, caught=None, level=level), index
        )

    def _raise(
        self, number: int, block: cfg.Block, index: int, instruction: ir.Raise, state: State
    ) -> None:
        if instruction.again and state.caught is not None:
            pending = state.caught._replace(line=instruction.line)
        elif instruction.assertion:
            pending = Pending(instruction.exception, Level.WEAK, instruction.line)
        else:
            pending = Pending(instruction.exception, Level.PLAIN, instruction.line)
        self._throw(number, block, index, state, pending)

    def _terminator(self, number: int, block: cfg.Block, state: State) -> None:
        end, until = block.terminator, len(block.instructions)
        if isinstance(end, cfg.Jump):
            self._step(number, end.target, state, until)
        elif isinstance(end, cfg.Branch):
            decided = decide_after(block, state, self._site.resource) if state.acquired else None
            if self._exhausts(end.condition, state):
                # Nothing is left of it where the loop ends by itself.
                self._flow.discharges.add((Discharge.RELEASED, state.level, block.number))
                decided = True
            if decided is not False:
                self._step(number, end.when_true, state, until, taken=True)
            if decided is not True:
                self._step(number, end.when_false, state, until, taken=False)
        elif isinstance(end, cfg.Dispatch):
            self._dispatch(number, end, state, until)
        elif isinstance(end, cfg.Resume):
            if state.pending is None:
                state = state._replace(pending=Pending(None, state.level, 0))
            self._step(number, end.target, state, until)

    def _exhausts(self, condition: ir.Condition, state: State) -> bool:
        """Whether a test that fails means that the resource was read to its end."""
        return (
            self._site.resource.exhaust
            and isinstance(condition, ir.Unknown)
            and condition.iterator is not None
            and is_using(state.role(condition.iterator))
        )

    def _dispatch(self, number: int, end: cfg.Dispatch, state: State, until: int) -> None:
        pending = state.pending or Pending(None, Level.WEAK, 0)
        for handler in end.handlers:
            caught = self._catches(handler.types, pending.type)
            if caught is Catch.NEVER:
                continue
            level = state.level
            call, may_raise = self._site.call, self._site.resource.may_raise
            inside = call is None or end.first_line <= call.line <= end.last_line
            if level is Level.WEAK:
                if not inside or self._effects.handlers.is_for_others(handler.types, may_raise):
                    level = Level.MODERATE
            elif level is Level.MODERATE is pending.level and caught is Catch.MAYBE and inside:
                # A kind of failure that the acquisition has, and what follows it perhaps not.
                level = Level.WEAK
            self._step(
                number,
                handler.block,
                state._replace(pending=None, caught=pending, level=level),
                until,
            )
            if caught is Catch.ALWAYS:
                return
        self._step(number, end.unmatched, state, until)
