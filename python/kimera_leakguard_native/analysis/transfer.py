"""What one instruction does to a resource: who holds it afterwards, or why nobody has to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import closures, containers, ir
from kimera_leakguard_native.analysis.background import outlived
from kimera_leakguard_native.analysis.obligations.words import cleans_up
from kimera_leakguard_native.analysis.open_tests import decide
from kimera_leakguard_native.analysis.ownership import (
    ALIAS,
    CLOSURE,
    FALSE,
    INNER,
    METHOD,
    NESTED,
    READS,
    RELEASER,
    TRUE,
    USES,
    Discharge,
    Effect,
    Frame,
    Outcome,
    Returned,
    State,
    belongs,
    is_container,
    is_held,
    is_using,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.analysis.resources.catalog import Resource

_PLAIN_ATTRIBUTES = frozenset(
    {
        "name", "mode", "encoding", "newlines", "errors", "size", "filename", "family", "type",
        "proto", "filelist", "NameToInfo", "comment", "softspace", "offset", "members", "shape",
        "dtype", "ndim", "status_code", "status", "headers", "reason", "url", "ok", "returncode",
        "pid", "format", "width", "height",
    }
)  # fmt: skip

_READING_METHODS = frozenset(
    {"read", "readline", "readlines", "readinto", "write", "writelines", "seek", "tell", "__next__"}
)
"""Whoever gets one of these, bound, cannot end what it is bound to."""

ITEMS = "[]"
"""In the list of what derives from a resource: its items, and what is returned beside it."""

TEXT = "text"
"""In the same list: texts that are put together with it, as paths are."""


def transfer(
    instruction: ir.Instruction,
    state: State,
    frame: Frame,
    resource: Resource,
    effects: Iterable[tuple[ir.Operand, Effect]] = (),
) -> Outcome:
    """Apply one instruction to the state of an acquired resource.

    Parameters
    ----------
    effects : iterable of (operand, Effect)
        For a call: what the callee does with each argument that has a role.
    """
    if isinstance(instruction, ir.Assign):
        return _bound(state, frame, instruction.target, state.role(instruction.source))
    if resource.background and outlived(instruction, state):
        return Discharge.RELEASED
    if isinstance(instruction, ir.Call):
        return _call(instruction, state, frame, resource, effects)
    if isinstance(instruction, ir.Compute):
        known = None
        if isinstance(instruction.expression, ir.Arithmetic):
            sides = (instruction.expression.left, instruction.expression.right)
            if any(is_container(role) for side in sides if (role := state.role(side)) is not None):
                # Added in place, perhaps, to a list that others see.
                return Discharge.ESCAPED
            known = USES if TEXT in resource.derive and any(map(state.role, sides)) else None
        else:
            decided = decide(instruction.expression, state, resource)
            known = None if decided is None else (TRUE if decided else FALSE)
        return state.bind(instruction.target, known)
    if isinstance(instruction, ir.GetAttribute):
        if instruction.attribute in resource.consume and state.role(instruction.object) == ALIAS:
            return Discharge.RELEASED
        return _bound(
            state, frame, instruction.target, _attribute(instruction, state, frame, resource)
        )
    if isinstance(instruction, ir.SetAttribute):
        return _set_attribute(instruction, state, frame)
    if isinstance(instruction, ir.SetItem):
        if is_held(state.role(instruction.key)):
            # The keys of a mapping are its own as much as its values.
            return Discharge.ESCAPED
        return containers.put(
            state, frame.containers, instruction.object, state.role(instruction.source)
        )
    if isinstance(instruction, ir.GetItem):
        if is_held(state.role(instruction.key)):
            # A mapping that makes what it lacks keeps the key.
            return Discharge.ESCAPED
        return _bound(state, frame, instruction.target, _item(instruction, state, resource))
    if isinstance(instruction, ir.Build):
        return _bound(state, frame, instruction.target, _display(instruction, state, resource))
    if isinstance(instruction, ir.Unpack):
        return _unpack(instruction, state, frame, resource)
    if isinstance(instruction, ir.Iterate):
        role = state.role(instruction.source)
        if role == NESTED:
            return Discharge.ESCAPED
        if role == ALIAS and "__iter__" in resource.consume:
            return Discharge.RELEASED
        derived = READS if belongs(role) else containers.iterated(role)
        return state.bind(instruction.target, derived)
    if isinstance(instruction, ir.Next):
        return containers.next_of(state, instruction.iterator, instruction.target)
    if isinstance(instruction, ir.MakeClosure):
        held = [name for name in instruction.captured if is_held(state.role(name))]
        if any(name in frame.cells or name not in frame.lent for name in held):
            return Discharge.ESCAPED
        if state.held is not None and frame.self_name in instruction.captured:
            return Discharge.ESCAPED
        return state.bind(instruction.target, CLOSURE if held else None)
    if isinstance(instruction, ir.Delete):
        return state.bind(instruction.name, None)
    if isinstance(instruction, ir.Enter):
        return state.bind(instruction.target, state.role(instruction.manager))
    if isinstance(instruction, ir.Exit):
        role = state.role(instruction.manager)
        entered = role is not None and (role in (ALIAS, USES) or is_container(role))
        return Discharge.RELEASED if entered and resource.context else state
    if isinstance(instruction, ir.Return):
        return _return(instruction, state)
    if isinstance(instruction, ir.Yield):
        if is_held(state.role(instruction.source)) and not frame.lends_by_yield:
            return Discharge.ESCAPED
        return state.bind(instruction.target, None)
    if isinstance(instruction, ir.Await):
        return state.bind(instruction.target, state.role(instruction.source))
    if isinstance(instruction, ir.EndHandler):
        return state._replace(caught=None)
    return state


def _bound(state: State, frame: Frame, place: str, role: str | None) -> Outcome:
    if place in frame.cells and is_held(role):
        return Discharge.ESCAPED
    return state.bind(place, role)


def _attribute(
    instruction: ir.GetAttribute, state: State, frame: Frame, resource: Resource
) -> str | None:
    if state.held == instruction.attribute and instruction.object == frame.self_name:
        return ALIAS
    role = state.role(instruction.object)
    if not belongs(role):
        return None
    if instruction.attribute in _PLAIN_ATTRIBUTES:
        return None
    if role in (INNER, READS):
        # A cursor leads back to its connection.
        return role
    if instruction.attribute in resource.release:
        return RELEASER
    if instruction.attribute in _READING_METHODS and "read" not in resource.consume:
        return METHOD
    return FALSE if instruction.attribute == "closed" else USES


def _set_attribute(instruction: ir.SetAttribute, state: State, frame: Frame) -> Outcome:
    role = state.role(instruction.source)
    on_self = frame.self_name is not None and instruction.object == frame.self_name
    if is_held(role):
        if on_self and role == ALIAS and state.held in (None, instruction.attribute):
            return state._replace(held=instruction.attribute)
        return Discharge.ESCAPED
    if state.held is not None:
        if on_self and state.held == instruction.attribute:
            return state._replace(held=None)
        if instruction.source == frame.self_name:
            return Discharge.ESCAPED
    return state


def _item(instruction: ir.GetItem, state: State, resource: Resource) -> str | None:
    role = state.role(instruction.object)
    if role is None or not is_container(role):
        return _part(role, instruction.key) if ITEMS in resource.derive else None
    if role.isdigit() and isinstance(instruction.key, ir.Literal):
        return ALIAS if instruction.key.value == int(role) else _beside(resource)
    return containers.item_of(role, instruction.key)


def _part(role: str | None, key: ir.Operand) -> str | None:
    """Say what an item of a resource is that has items, or of what came out of one by its name.

    A slice of it, and what a number or an ellipsis selects, is a copy.
    """
    if role == ALIAS or (is_using(role) and isinstance(key, str)):
        return INNER
    named = isinstance(key, ir.Literal) and isinstance(key.value, str)
    return INNER if is_using(role) and named else None


def _display(instruction: ir.Build, state: State, resource: Resource) -> str | None:
    if instruction.kind == "text":
        inside = TEXT in resource.derive and any(map(state.role, instruction.elements))
        return USES if inside else None
    return containers.displayed(instruction, state)


def _beside(resource: Resource) -> str | None:
    """Say what the other elements of a tuple are that has the resource at one position."""
    return USES if ITEMS in resource.derive else None


def _unpack(instruction: ir.Unpack, state: State, frame: Frame, resource: Resource) -> Outcome:
    role = state.role(instruction.source)
    after: Outcome = state
    for index, place in enumerate(instruction.targets):
        found = None
        if role is not None and role.isdigit() and not instruction.starred:
            found = ALIAS if index == int(role) else _beside(resource)
        elif role is not None and is_container(role):
            found = NESTED
        if isinstance(after, State):
            after = _bound(after, frame, place, found)
    return after


def _return(instruction: ir.Return, state: State) -> Outcome:
    role = state.role(instruction.source)
    if role == ALIAS:
        return Returned(None)
    if role is not None and role.isdigit():
        return Returned(int(role))
    if is_held(role):
        return Discharge.ESCAPED
    # Cleanup code may still run, but no exception is in flight any more.
    return state._replace(pending=None, caught=None)


_RESULTS = {Effect.DERIVE: USES, Effect.INNER: INNER, Effect.READ: READS, Effect.WRAP: ALIAS}
"""Roles of what a callee gives back for an argument; of a wrapper it is the argument's own."""
_SAME_OBJECT = frozenset({"__enter__", "__aenter__", "__iter__", "__aiter__"})
_RELEASING = frozenset({"__exit__", "__del__", "__aexit__"})


def _call(
    call: ir.Call,
    state: State,
    frame: Frame,
    resource: Resource,
    effects: Iterable[tuple[ir.Operand, Effect]],
) -> Outcome:
    role = None if call.receiver is None else state.role(call.receiver)
    result: str | None = None
    if call.name is not None and call.name in resource.everywhere:
        return Discharge.RELEASED
    if call.function is not None and state.role(call.function) == RELEASER:
        return Discharge.RELEASED
    if (
        call.function is not None
        and state.role(call.function) == ALIAS
        and _names_end(call, resource)
    ):
        return Discharge.RELEASED
    if role in (INNER, READS) and call.method is not None:
        if call.method in resource.consume:
            return Discharge.RELEASED
        if call.method in resource.derive or call.method in _SAME_OBJECT:
            result = role
    elif role in (ALIAS, USES) and call.method is not None:
        if (
            call.method in resource.release
            or call.method in _RELEASING
            or call.method in resource.consume
        ):
            return Discharge.RELEASED
        if role == ALIAS and call.method in resource.transfer:
            return Discharge.ESCAPED
        if call.method in ("__enter__", "__aenter__") or call.method in ("__index__", "__int__"):
            result = role
        elif call.method in ("open", "extractfile", "makefile", "__iter__", "iter_lines"):
            result = USES
        elif call.method in resource.fluent:
            result = role
        elif call.method in resource.derive:
            result = INNER
        elif call.method in resource.reads:
            result = READS
    elif role is not None and is_container(role) and call.method is not None:
        if call.method in resource.release:
            return Discharge.RELEASED
        after = containers.by_method(call, state, role)
        if after is None:
            return Discharge.ESCAPED
        state, result = after
    if state.held is not None and frame.self_name is not None:
        if call.receiver == frame.self_name and cleans_up(call.method or ""):
            return Discharge.RELEASED
        if frame.self_name in call.operands() and call.method != "__init__":
            return Discharge.ESCAPED
    if (
        call.method in containers.ADDING
        and isinstance(call.receiver, str)
        and call.receiver in frame.containers
    ):
        for operand in call.operands():
            stored = containers.put(state, frame.containers, call.receiver, state.role(operand))
            if not isinstance(stored, State):
                return stored
            state = stored
        return state.bind(call.target, result)
    looked_at, derived = containers.built_in(call, state)
    if looked_at:
        return state.bind(call.target, derived)
    for operand, alone in effects:
        given, effect = state.role(operand), alone
        if effect is Effect.TAKE and given in (CLOSURE, METHOD) and not _keeps(call):
            continue
        kept = given == ALIAS and frame.keeps_duty(operand, call.line, resource)
        if effect is Effect.TAKE and kept and not _hands_over(call):
            effect = Effect.DERIVE
        if effect is Effect.TAKE and is_held(given):
            return Discharge.ESCAPED
        if effect is Effect.RELEASE and given is not None:
            return Discharge.RELEASED
        if effect is Effect.BORROW and is_held(given) and _reads_all(call, resource):
            return Discharge.RELEASED
        if effect in _RESULTS and given is not None and (is_held(given) or is_using(given)):
            if effect is Effect.WRAP:
                result = given
            else:
                result = NESTED if is_container(given) else _RESULTS[effect]
    if call.name in ("builtins.hasattr", "builtins.getattr") and len(call.arguments) >= 2:
        result = _reflected(call, state, resource, result)
    return state.bind(call.target, result)


_HANDING_OVER = (
    "put", "add", "append", "push", "enqueue", "register", "submit", "handle", "dispatch", "attach",
    "adopt", "keep", "store", "set", "start", "spawn", "give", "release", "hand", "return",
)  # fmt: skip


def _hands_over(call: ir.Call) -> bool:
    """Whether a callee's name says that it may keep what it gets, so that a close is for others."""
    last = call.method or (call.name or "").rpartition(".")[2]
    return last.strip("_").lower().startswith(_HANDING_OVER)


def _names_end(call: ir.Call, resource: Resource) -> bool:
    """Whether an object that is called is asked for the method that ends it."""
    name = call.arguments[0] if call.arguments else None
    return isinstance(name, ir.Literal) and name.value in resource.release


def _keeps(call: ir.Call) -> bool:
    """Whether a call keeps the functions that it is given."""
    last = call.method or (call.name or "").rpartition(".")[2]
    return closures.keeps_function(last)


def _reads_all(call: ir.Call, resource: Resource) -> bool:
    """Whether a function that borrows what ends by being read reads it to the end."""
    return "read" in resource.consume and not (call.name or "").startswith("builtins.")


def _reflected(call: ir.Call, state: State, resource: Resource, result: str | None) -> str | None:
    attribute = call.arguments[1]
    if state.role(call.arguments[0]) != ALIAS or not isinstance(attribute, ir.Literal):
        return result
    if attribute.value in resource.release:
        return TRUE if call.name == "builtins.hasattr" else RELEASER
    if attribute.value == "closed":
        return TRUE if call.name == "builtins.hasattr" else FALSE
    return result
