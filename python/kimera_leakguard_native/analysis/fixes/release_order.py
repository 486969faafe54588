"""Whether a function uses a resource after its release, or releases what somebody else owns.

A finding that is gone only proves that something releases the resource. This follows every
acquisition of a function further than the leak search does: beyond its release, and beyond the
point where it was handed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.ownership import (
    ALIAS,
    USES,
    Discharge,
    Effect,
    State,
    belongs,
    is_held,
    is_using,
)
from kimera_leakguard_native.analysis.sites import find_sites
from kimera_leakguard_native.analysis.transfer import transfer

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.dataflow import Site
    from kimera_leakguard_native.analysis.ownership import Frame
    from kimera_leakguard_native.analysis.project import Function

_MAX_STATES = 20_000
_STACKS = frozenset({"enter_context", "enter_async_context", "push", "push_async_exit"})
_CLOSING = frozenset({"contextlib.closing", "contextlib.aclosing"})
_PLAIN_RESULTS = (
    "read", "write", "recv", "send", "seek", "tell", "extract", "fetch", "get", "set", "name",
    "info", "is", "has", "close", "flush", "truncate", "commit", "rollback", "execute", "list",
    "wait", "poll", "communicate", "connect", "bind", "listen", "settimeout", "shutdown", "test",
)  # fmt: skip
_HARMLESS = frozenset(
    f"builtins.{name}"
    for name in ("isinstance", "issubclass", "id", "repr", "str", "print", "type", "hasattr",
                 "getattr", "bool", "callable", "format")
)  # fmt: skip
_AFTERWARDS = frozenset({"close", "closed"})


class _Node(NamedTuple):
    """A point on the way of one acquisition.

    Attributes
    ----------
    holders : tuple of str
        Places that release it when a with statement leaves them.
    given : str
        Whether somebody else has it too: passed to a callee, or kept beyond the call.
    released : bool
        Whether it was released on this way.
    """

    block: int
    state: State
    holders: tuple[str, ...]
    given: str
    released: bool


class _Walk:
    """Follows one acquisition over all paths and notes what goes wrong."""

    def __init__(self, function: Function, site: Site) -> None:
        self._function = function
        self._graph = function.graph()
        self._frame: Frame = function.frame()
        self._site = site
        self._aliases = _manager_of(self._graph)
        self._seen: set[_Node] = set()
        self._pending: list[_Node] = []
        self.wrong: set[tuple[str, int, str]] = set()
        self.exhausted = False

    def run(self) -> None:
        site = self._site
        start = _Node(site.block, State(True).bind(site.place, site.role), (), "", False)
        self._block(start, site.index + 1)
        while self._pending:
            if len(self._seen) > _MAX_STATES:
                self.exhausted = True
                return
            self._block(self._pending.pop(), 0)

    def _go(self, node: _Node) -> None:
        if node not in self._seen:
            self._seen.add(node)
            self._pending.append(node)

    def _block(self, node: _Node, first: int) -> None:
        block = self._graph.blocks[node.block]
        for instruction in block.instructions[first:]:
            if instruction is self._site.origin:
                return
            if isinstance(instruction, (ir.Call, ir.Next, ir.Await, ir.Yield, ir.Raise)):
                self._go(node._replace(block=block.on_raise))
            if isinstance(instruction, ir.Raise):
                return
            node = self._step(node, instruction)
        end = block.terminator
        targets = self._graph.successors(block.number)
        if isinstance(end, cfg.Stop):
            targets = ()
        for target in targets:
            self._go(node._replace(block=target))

    def _note(self, what: str, instruction: ir.Instruction) -> None:
        text = instruction.text if isinstance(instruction, ir.Call) else ""
        self.wrong.add((f"{self._site.kind} {what}", instruction.line, text))

    def _step(self, node: _Node, instruction: ir.Instruction) -> _Node:
        state = node.state
        if node.released:
            self._after_release(node, instruction)
        managed = self._managed(node, instruction)
        if managed is not None:
            return managed
        effects: list[tuple[ir.Operand, Effect]] = []
        if isinstance(instruction, ir.Call):
            effects = list(
                self._function.effects.on_arguments(instruction, state, self._site.resource)
            )
        outcome = transfer(instruction, state, self._frame, self._site.resource, effects)
        if isinstance(outcome, State):
            after = node._replace(state=outcome)
            target = getattr(instruction, "target", None)
            if self._derives(instruction, state) and isinstance(target, str):
                after = after._replace(state=outcome.bind(target, USES))
            return after
        target = getattr(instruction, "target", None)
        if isinstance(target, str) and isinstance(instruction, (ir.Call, ir.MakeClosure)):
            state = state.bind(target, None)
        if outcome is Discharge.RELEASED:
            return self._released(node._replace(state=state), instruction)
        if isinstance(instruction, ir.Assign):
            state = state.bind(instruction.target, state.role(instruction.source))
        called = isinstance(instruction, ir.Call)
        return node._replace(state=state, given=node.given or ("passed on" if called else "kept"))

    def _released(self, node: _Node, instruction: ir.Instruction) -> _Node:
        if node.given:
            self._note(f"released after it was {node.given}", instruction)
        if node.released and not self._site.resource.collected:
            self._note("released twice", instruction)
        return node._replace(released=True)

    def _managed(self, node: _Node, instruction: ir.Instruction) -> _Node | None:
        """Follow contextlib's owners, which release when their block is left."""
        state = node.state
        if isinstance(instruction, ir.Call):
            held = any(is_held(state.role(operand)) for operand in instruction.operands())
            wrapped = [op for op in instruction.operands() if op in node.holders]
            if instruction.name in _CLOSING and held:
                return node._replace(holders=(*node.holders, instruction.target))
            if instruction.method in _STACKS and (held or wrapped):
                receiver = instruction.receiver
                if isinstance(receiver, str):
                    manager = self._aliases.get(receiver, receiver)
                    return node._replace(
                        state=state.bind(instruction.target, ALIAS),
                        holders=(*node.holders, manager),
                    )
        elif isinstance(instruction, ir.Assign) and instruction.source in node.holders:
            return node._replace(
                state=state.bind(instruction.target, None),
                holders=(*node.holders, instruction.target),
            )
        elif isinstance(instruction, ir.Enter) and instruction.manager in node.holders:
            return node._replace(state=state.bind(instruction.target, ALIAS))
        elif isinstance(instruction, ir.Exit) and instruction.manager in node.holders:
            return self._released(node, instruction)
        return None

    def _derives(self, instruction: ir.Instruction, state: State) -> bool:
        """Whether the result of a method may need the resource later, as a cursor does."""
        return (
            isinstance(instruction, ir.Call)
            and instruction.receiver is not None
            and belongs(state.role(instruction.receiver))
            and not (instruction.method or "").lstrip("_").startswith(_PLAIN_RESULTS)
        )

    def _after_release(self, node: _Node, instruction: ir.Instruction) -> None:
        state, resource = node.state, self._site.resource

        def lives(operand: ir.Operand | None) -> bool:
            return operand is not None and (
                is_held(state.role(operand)) or is_using(state.role(operand))
            )

        if isinstance(instruction, ir.Call):
            if lives(instruction.receiver):
                method = instruction.method or ""
                if method not in resource.release and method not in _AFTERWARDS:
                    self._note("used after its release", instruction)
            elif instruction.name not in _HARMLESS and any(map(lives, instruction.operands())):
                if instruction.name in resource.functions:
                    return  # counted as a second release
                self._note("passed on after its release", instruction)
        elif isinstance(instruction, (ir.Iterate, ir.Return, ir.Yield, ir.SetItem)):
            if lives(instruction.source):
                self._note("used after its release", instruction)
        elif isinstance(instruction, ir.SetAttribute):
            if lives(instruction.source):
                self._note("stored after its release", instruction)
        elif isinstance(instruction, ir.Next):
            if lives(instruction.iterator):
                self._note("used after its release", instruction)
        elif isinstance(instruction, ir.Enter):
            if lives(instruction.manager) and instruction.manager not in node.holders:
                self._note("entered after its release", instruction)
        elif isinstance(instruction, ir.MakeClosure) and any(map(lives, instruction.captured)):
            self._note("captured after its release", instruction)


def _manager_of(graph: cfg.Graph) -> dict[str, str]:
    """Say for each place that a with statement binds which manager it stands for."""
    found: dict[str, str] = {}
    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.Enter) and isinstance(item.manager, str):
                found[item.target] = item.manager
            elif isinstance(item, ir.Assign) and item.source in found:
                found[item.target] = found[str(item.source)]
    return found


def misuses(function: Function, objects: frozenset[str]) -> tuple[str, ...]:
    """Say what a function does with resources that it has released or given away.

    Parameters
    ----------
    objects : frozenset of str
        Kinds of objects that a variable may be taken for by its name.
    """
    wrong: list[str] = []
    function.forget_graph()
    graph = function.graph()
    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.Call):
                # What a with statement enters is followed like everything else.
                item.managed = False
    for site in find_sites(graph, function.project.catalog, function.effects, objects):
        if site.resource.tier:
            continue  # kept or dropped, never released
        walk = _Walk(function, site)
        walk.run()
        wrong += (what for what, _, _ in sorted(walk.wrong))
        if walk.exhausted:
            wrong.append(f"{site.kind}: too many ways to follow")
    return tuple(wrong)
