"""Who holds an acquired resource: one abstract state for one acquisition, and how it changes.

The state says which places of the frame stand for the resource, and in which role. It is tracked
from the acquisition on, and dropped as soon as the resource is released or somebody else owns it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.analysis import ir

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.analysis.resources.catalog import Resource

ALIAS = ""
"""The place is the resource."""
USES = "~"
"""The place uses the resource later: an iterator over it, a reader around it."""
CONTAINS = "*"
"""The place is a container that holds the resource somewhere."""
RELEASER = "#"
"""The place is the bound method that releases the resource."""
TRUE = "T"
FALSE = "F"
"""The place is a test of the resource whose outcome is known while it is open."""

_HOLDING = frozenset({ALIAS, USES, CONTAINS, RELEASER})
_PLAIN_ATTRIBUTES = frozenset(
    {
        "name", "mode", "encoding", "newlines", "errors", "size", "filename", "family", "type",
        "proto", "filelist", "NameToInfo", "comment", "softspace", "offset", "members",
    }
)  # fmt: skip


class Level(IntEnum):
    """How sure it is that control goes along a path."""

    WEAK = 1
    """Some call in between might raise something."""
    MODERATE = 2
    """A call in between raises what a handler in this function expects."""
    STRONG = 3
    """A call in between is known to raise."""
    PLAIN = 4
    """No implicit exception is involved."""


class Effect(Enum):
    """What a callee does with an argument."""

    BORROW = "borrow"
    DERIVE = "derive"
    RELEASE = "release"
    TAKE = "take"


class Discharge(Enum):
    """Why a resource is no longer the duty of the function."""

    RELEASED = "released"
    RETURNED = "returned"
    ESCAPED = "escaped"


class Pending(NamedTuple):
    """An exception in flight; `line` is where it was raised."""

    type: str | None
    level: Level
    line: int


class State(NamedTuple):
    """What is known at one point of the program.

    Attributes
    ----------
    acquired : bool
        False on the way from the function's entry to the acquisition.
    roles : tuple of (place, role)
        Sorted by place.
    held : str or None
        Attribute of self that holds the resource while a constructor runs.
    pending, caught : Pending or None
        The exception in flight, and the one that a handler is dealing with.
    level : Level
        The weakest step of the path so far.
    """

    acquired: bool
    roles: tuple[tuple[str, str], ...] = ()
    held: str | None = None
    pending: Pending | None = None
    caught: Pending | None = None
    level: Level = Level.PLAIN

    def role(self, operand: ir.Operand) -> str | None:
        """Give the role of a place, None if it has nothing to do with the resource."""
        if isinstance(operand, str):
            for place, role in self.roles:
                if place == operand:
                    return role
        return None

    def bind(self, place: str, role: str | None) -> State:
        """Give the state after the place was assigned."""
        roles = tuple(item for item in self.roles if item[0] != place)
        if role is not None:
            roles = tuple(sorted((*roles, (place, role))))
        return self if roles == self.roles else self._replace(roles=roles)


class Returned(NamedTuple):
    """A discharge by return; `element` is the position in a returned tuple, or None."""

    element: int | None


Outcome = State | Discharge | Returned


@dataclass(frozen=True, slots=True)
class Frame:
    """What transfer needs to know of the function.

    Attributes
    ----------
    cells : frozenset of str
        Variables that outlive the frame: assigning to one is an escape.
    self_name : str or None
        First parameter, in a constructor only.
    lends_by_yield : bool
        Whether a yielded value comes back, as in a context manager's function.
    """

    cells: frozenset[str]
    self_name: str | None
    lends_by_yield: bool


def element_role(index: int) -> str:
    """Give the role of a tuple whose element at an index is the resource."""
    return str(index)


def _is_container(role: str) -> bool:
    return role == CONTAINS or role.isdigit()


def _escapes(role: str | None) -> bool:
    return role is not None and (role in _HOLDING or role.isdigit())


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
    if isinstance(instruction, ir.Call):
        return _call(instruction, state, frame, resource, effects)
    if isinstance(instruction, ir.Compute):
        known = None
        if not isinstance(instruction.expression, ir.Arithmetic):
            decided = decide(instruction.expression, state, resource)
            known = None if decided is None else (TRUE if decided else FALSE)
        return state.bind(instruction.target, known)
    if isinstance(instruction, ir.GetAttribute):
        return _bound(
            state, frame, instruction.target, _attribute(instruction, state, frame, resource)
        )
    if isinstance(instruction, ir.SetAttribute):
        return _set_attribute(instruction, state, frame)
    if isinstance(instruction, ir.SetItem):
        return Discharge.ESCAPED if _escapes(state.role(instruction.source)) else state
    if isinstance(instruction, ir.GetItem):
        return _bound(state, frame, instruction.target, _item(instruction, state))
    if isinstance(instruction, ir.Build):
        return _bound(state, frame, instruction.target, _display(instruction, state))
    if isinstance(instruction, ir.Unpack):
        return _unpack(instruction, state, frame)
    if isinstance(instruction, ir.Iterate):
        role = state.role(instruction.source)
        if role is not None and _is_container(role):
            return Discharge.ESCAPED
        return state.bind(instruction.target, USES if role in (ALIAS, USES) else None)
    if isinstance(instruction, ir.Next):
        return state.bind(instruction.target, None)
    if isinstance(instruction, ir.MakeClosure):
        if any(_escapes(state.role(name)) for name in instruction.captured):
            return Discharge.ESCAPED
        if state.held is not None and frame.self_name in instruction.captured:
            return Discharge.ESCAPED
        return state.bind(instruction.target, None)
    if isinstance(instruction, ir.Delete):
        return state.bind(instruction.name, None)
    if isinstance(instruction, ir.Enter):
        return state.bind(instruction.target, state.role(instruction.manager))
    if isinstance(instruction, ir.Exit):
        role = state.role(instruction.manager)
        return Discharge.RELEASED if role == ALIAS and resource.context else state
    if isinstance(instruction, ir.Return):
        return _return(instruction, state)
    if isinstance(instruction, ir.Yield):
        if _escapes(state.role(instruction.source)) and not frame.lends_by_yield:
            return Discharge.ESCAPED
        return state.bind(instruction.target, None)
    if isinstance(instruction, ir.Await):
        return state.bind(instruction.target, state.role(instruction.source))
    if isinstance(instruction, ir.EndHandler):
        return state._replace(caught=None)
    return state


def _bound(state: State, frame: Frame, place: str, role: str | None) -> Outcome:
    if place in frame.cells and _escapes(role):
        return Discharge.ESCAPED
    return state.bind(place, role)


def _attribute(
    instruction: ir.GetAttribute, state: State, frame: Frame, resource: Resource
) -> str | None:
    if state.held == instruction.attribute and instruction.object == frame.self_name:
        return ALIAS
    role = state.role(instruction.object)
    if role is None or role not in (ALIAS, USES):
        return None
    if instruction.attribute in resource.release:
        return RELEASER
    if instruction.attribute == "closed":
        return FALSE
    return None if instruction.attribute in _PLAIN_ATTRIBUTES else USES


def _set_attribute(instruction: ir.SetAttribute, state: State, frame: Frame) -> Outcome:
    role = state.role(instruction.source)
    on_self = frame.self_name is not None and instruction.object == frame.self_name
    if _escapes(role):
        if on_self and role == ALIAS and state.held in (None, instruction.attribute):
            return state._replace(held=instruction.attribute)
        return Discharge.ESCAPED
    if state.held is not None:
        if on_self and state.held == instruction.attribute:
            return state._replace(held=None)
        if instruction.source == frame.self_name:
            return Discharge.ESCAPED
    return state


def _item(instruction: ir.GetItem, state: State) -> str | None:
    role = state.role(instruction.object)
    if role is None or not _is_container(role):
        return None
    if role.isdigit() and isinstance(instruction.key, ir.Literal):
        return ALIAS if instruction.key.value == int(role) else None
    return CONTAINS


def _display(instruction: ir.Build, state: State) -> str | None:
    if instruction.kind == "text":
        return None
    roles = [(i, state.role(item)) for i, item in enumerate(instruction.elements)]
    holding = [(i, role) for i, role in roles if _escapes(role)]
    if not holding:
        return None
    if instruction.kind == "tuple" and len(holding) == 1 and holding[0][1] == ALIAS:
        return element_role(holding[0][0])
    return CONTAINS


def _unpack(instruction: ir.Unpack, state: State, frame: Frame) -> Outcome:
    role = state.role(instruction.source)
    after: Outcome = state
    for index, place in enumerate(instruction.targets):
        found = None
        if role is not None and role.isdigit() and not instruction.starred:
            found = ALIAS if index == int(role) else None
        elif role is not None and _is_container(role):
            found = CONTAINS
        if isinstance(after, State):
            after = _bound(after, frame, place, found)
    return after


def _return(instruction: ir.Return, state: State) -> Outcome:
    role = state.role(instruction.source)
    if role == ALIAS:
        return Returned(None)
    if role is not None and role.isdigit():
        return Returned(int(role))
    if _escapes(role):
        return Discharge.ESCAPED
    # Cleanup code may still run, but no exception is in flight any more.
    return state._replace(pending=None, caught=None)


_RELEASING = frozenset({"__exit__", "__del__", "__aexit__"})
_OWN_CLEANUP = (
    "close", "cleanup", "clean_up", "stop", "shutdown", "release", "dispose", "abort", "destroy",
    "disconnect", "terminate", "kill", "del", "exit", "finalize", "free",
)  # fmt: skip


def _call(
    call: ir.Call,
    state: State,
    frame: Frame,
    resource: Resource,
    effects: Iterable[tuple[ir.Operand, Effect]],
) -> Outcome:
    role = None if call.receiver is None else state.role(call.receiver)
    result: str | None = None
    if call.function is not None and state.role(call.function) == RELEASER:
        return Discharge.RELEASED
    if role in (ALIAS, USES) and call.method is not None:
        if call.method in resource.release or call.method in _RELEASING:
            return Discharge.RELEASED
        if role == ALIAS and call.method in resource.transfer:
            return Discharge.ESCAPED
        if call.method in ("__enter__", "__aenter__") or call.method in ("__index__", "__int__"):
            result = role
        elif call.method in ("open", "extractfile", "makefile", "__iter__", "iter_lines"):
            result = USES
    elif role is not None and _is_container(role) and call.method is not None:
        # A method of the container may hand the resource to anybody.
        return Discharge.ESCAPED
    if state.held is not None and frame.self_name is not None:
        if call.receiver == frame.self_name and _cleans_up(call.method or ""):
            return Discharge.RELEASED
        if frame.self_name in call.operands() and call.method != "__init__":
            return Discharge.ESCAPED
    for operand, effect in effects:
        given = state.role(operand)
        if effect is Effect.TAKE and _escapes(given):
            return Discharge.ESCAPED
        if effect is Effect.RELEASE and given is not None:
            return Discharge.RELEASED
        if effect is Effect.DERIVE and _escapes(given):
            result = CONTAINS if given is not None and _is_container(given) else USES
    if call.name in ("builtins.hasattr", "builtins.getattr") and len(call.arguments) >= 2:
        result = _reflected(call, state, resource, result)
    return state.bind(call.target, result)


def _reflected(call: ir.Call, state: State, resource: Resource, result: str | None) -> str | None:
    attribute = call.arguments[1]
    if state.role(call.arguments[0]) != ALIAS or not isinstance(attribute, ir.Literal):
        return result
    if attribute.value in resource.release:
        return TRUE if call.name == "builtins.hasattr" else RELEASER
    if attribute.value == "closed":
        return TRUE if call.name == "builtins.hasattr" else FALSE
    return result


def _cleans_up(method: str) -> bool:
    words = method.strip("_").lower()
    return any(
        words == name or words.startswith(f"{name}_") or words.endswith(f"_{name}")
        for name in _OWN_CLEANUP
    )


def decide(condition: ir.Condition, state: State, resource: Resource) -> bool | None:
    """Give the outcome of a test that is certain while the resource is open, else None."""
    if isinstance(condition, ir.Not):
        inner = decide(condition.inner, state, resource)
        return None if inner is None else not inner
    if isinstance(condition, ir.Truth):
        role = state.role(condition.operand)
        return None if role is None else role != FALSE
    if isinstance(condition, ir.Compare):
        return _compare(condition, state, resource)
    if (
        isinstance(condition, ir.IsInstance)
        and state.role(condition.operand) == ALIAS
        and resource.collected
        and set(condition.types) <= _PATH_TYPES
    ):
        return False
    return None


_PATH_TYPES = frozenset(
    {"builtins.str", "builtins.bytes", "builtins.int", "os.PathLike", "pathlib.Path",
     "pathlib.PurePath", "builtins.list", "builtins.dict", "builtins.tuple"}
)  # fmt: skip


def _compare(condition: ir.Compare, state: State, resource: Resource) -> bool | None:
    left, right = state.role(condition.left), state.role(condition.right)
    other = condition.right if left is not None else condition.left
    role = left if left is not None else right
    if role is None or not _escapes(role) or condition.op in ("in", "not in"):
        return None
    if condition.op in ("is", "==", "is not", "!="):
        positive = condition.op in ("is", "==")
        if left is not None and right is not None:
            return positive if left == right == ALIAS else None
        if role == ALIAS and not resource.collected and not _cannot_be_descriptor(other):
            return None
        return not positive
    if role == ALIAS and not resource.collected and _is_standard_stream(other):
        # Numbers up to 2 are the standard streams, which nobody has to close.
        return {">": left is not None, "<=": left is None, "<": left is None}.get(condition.op)
    if role == ALIAS and isinstance(other, ir.Literal) and isinstance(other.value, int):
        bound, at_left = other.value, left is not None
        if bound <= 0 and condition.op == (">=" if at_left else "<="):
            return True
        if bound < 0 and condition.op == (">" if at_left else "<"):
            return True
        if bound <= 0 and condition.op == ("<" if at_left else ">"):
            return False
        if bound < 0 and condition.op == ("<=" if at_left else ">="):
            return False
    return None


def _is_standard_stream(other: ir.Operand) -> bool:
    if isinstance(other, ir.Literal):
        return other.value in (1, 2) and not isinstance(other.value, bool)
    return isinstance(other, ir.Global) and other.name.endswith("_FILENO")


def _cannot_be_descriptor(other: ir.Operand) -> bool:
    if not isinstance(other, ir.Literal):
        return False
    return not isinstance(other.value, int) or isinstance(other.value, bool) or other.value < 0
