"""Who holds an acquired resource: one abstract state for one acquisition, and how it changes.

The state says which places of the frame stand for the resource, and in which role. It is tracked
from the acquisition on, and dropped as soon as the resource is released or somebody else owns it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimera_leakguard_native.analysis import ir
    from kimera_leakguard_native.analysis.resources.models import Resource

ALIAS = ""
"""The place is the resource."""
USES = "~"
"""The place uses the resource later, and may end it: a wrapper around it, an attribute of it."""
INNER = "+"
"""The place came out of the resource and keeps it open; closing it does not close the resource."""
CLOSURE = "c"
"""The place is a nested function that uses the resource, and does not end it."""
METHOD = "m"
"""The place is a bound method that reads or writes, and does not end it."""
READS = "<"
"""The place uses the resource later, and nobody can end the resource through it."""
CONTAINS = "*"
"""The place is a container that holds the resource somewhere.

Followed by digits, its elements are tuples that have the resource at that position.
"""
NESTED = "*?"
"""The place leads to the resource in a way that is not followed further."""
VALUES = "d"
"""The place is a dict that has the resource among its values."""
ITEM = "i"
"""The place is an iterator whose first item is the resource.

Followed by digits, it is a tuple with the resource at that position; by `VALUES`, a key of it.
"""
RELEASER = "#"
"""The place is the bound method that releases the resource."""
TRUE = "T"
FALSE = "F"
"""The place is a test of the resource whose outcome is known while it is open."""

_HOLDING = frozenset({ALIAS, USES, INNER, CLOSURE, METHOD, CONTAINS, RELEASER})
_USING = frozenset({USES, INNER, READS, METHOD})


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
    INNER = "inner"
    READ = "read"
    WRAP = "wrap"
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

    def contained(self) -> bool:
        """Whether a container of this function has the resource."""
        return any(is_container(role) for _, role in self.roles)

    def taken_out(self) -> State:
        """Give the state after the resource was taken out of every container."""
        return self._replace(roles=tuple(item for item in self.roles if not is_container(item[1])))

    def bind(self, place: str, role: str | None) -> State:
        """Give the state after the place was assigned."""
        roles = tuple(item for item in self.roles if item[0] != place)
        if role is not None:
            roles = tuple(sorted((*roles, (place, role))))
        return self if roles == self.roles else self._replace(roles=roles)


class Returned(NamedTuple):
    """A discharge by return; `element` is the position in a returned tuple, or None."""

    element: int | None


class GivenUp(NamedTuple):
    """One ``try`` whose handler closes a variable and leaves.

    Attributes
    ----------
    first, last : int
        Lines of what is tried.
    methods : frozenset of str
        How the variable is closed.
    """

    variable: str
    first: int
    last: int
    methods: frozenset[str]


class ClosedLater(NamedTuple):
    """One variable that the function closes after some lines, whatever happens there.

    Attributes
    ----------
    first, last : int
        The lines during which nobody else owns it.
    method : str
        Last part of the name of what closes it.
    """

    variable: str
    first: int
    last: int
    method: str


Outcome = State | Discharge | Returned


@dataclass(frozen=True, slots=True)
class Frame:
    """What transfer needs to know of the function.

    Attributes
    ----------
    cells : frozenset of str
        Variables that outlive the frame: assigning to one is an escape.
    lent : frozenset of str
        Variables that nested functions use, and nothing more.
    self_name : str or None
        First parameter, in a constructor only.
    lends_by_yield : bool
        Whether a yielded value comes back, as in a context manager's function.
    containers : mapping of str to str
        Kinds of the lists, sets and dicts that nobody but this function sees.
    finalized : bool
        Whether the class has a finalizer, which also runs for what its constructor left half made.
    given_up : tuple of GivenUp
        Where the function closes its variables because something fails.
    closed_later : tuple of ClosedLater
        Where it has variables that it closes in the end.
    """

    cells: frozenset[str]
    self_name: str | None
    lends_by_yield: bool
    containers: Mapping[str, str] = field(default_factory=dict)
    finalized: bool = False
    lent: frozenset[str] = frozenset()
    given_up: tuple[GivenUp, ...] = ()
    closed_later: tuple[ClosedLater, ...] = ()

    def gives_up(self, line: int, state: State) -> bool:
        """Whether a handler closes the resource where something at a line fails."""
        return any(
            item.first <= line <= item.last and state.role(item.variable) == ALIAS
            for item in self.given_up
        )

    def keeps_duty(self, place: ir.Operand, line: int, resource: Resource) -> bool:
        """Whether the function ends what it hands to a callee at a line, after that."""
        return any(
            item.variable == place
            and item.first <= line <= item.last
            and (
                item.method in resource.release
                or any(name.rpartition(".")[2] == item.method for name in resource.functions)
            )
            for item in self.closed_later
        )


def element_role(index: int) -> str:
    """Give the role of a tuple whose element at an index is the resource."""
    return str(index)


def is_container(role: str) -> bool:
    """Whether the place with this role has the resource somewhere inside."""
    return role.isdigit() or role[:1] in (CONTAINS, VALUES)


def is_iterator(role: str | None) -> bool:
    """Whether the place with this role yields the resource next, or what leads to it."""
    return role is not None and role[:1] == ITEM


def is_using(role: str | None) -> bool:
    """Whether the place with this role is not the resource, but uses it later."""
    return role in _USING


def belongs(role: str | None) -> bool:
    """Whether the place with this role is the resource, or uses it later."""
    return role == ALIAS or role in _USING


def is_held(role: str | None) -> bool:
    """Whether whoever has the place with this role may be the one that ends the resource."""
    return role is not None and (role in _HOLDING or is_container(role) or is_iterator(role))
