"""Symbolic values, and the atoms that tests on them become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Constant:
    """A value of the source: None, a boolean, a number, a string, or a member of an enumeration.

    `enumeration` is the qualified name of a member's class, empty for plain values.
    """

    value: Any
    enumeration: str = ""

    def __eq__(self, other: object) -> bool:
        """Compare with the type, so that 1 and True stay apart as terms."""
        return (
            isinstance(other, Constant)
            and type(self.value) is type(other.value)
            and self.value == other.value
            and self.enumeration == other.enumeration
        )

    def __hash__(self) -> int:
        """Hash consistently with equality."""
        return hash((type(self.value), self.value, self.enumeration))


@dataclass(frozen=True, slots=True)
class Symbol:
    """An unknown value: a parameter, a global, an attribute, the result of a call.

    Attributes
    ----------
    readable : bool
        Whether the name means something to a person.
    present : bool
        Whether it is certainly not None.
    integer : bool
        Whether it is certainly an int.
    """

    name: str
    readable: bool = False
    present: bool = False
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Handle:
    """The resource itself: a new object, so the same as nothing that was there before."""


@dataclass(frozen=True, slots=True)
class Display:
    """A tuple, list or set of the source with its items."""

    kind: str
    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Application:
    """The result of a pure function: equal for equal arguments."""

    function: str
    arguments: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """``left op right`` with the operator as it is written; a number only between numbers."""

    op: str
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Test:
    """The outcome of a test as a value."""

    atom: Atom
    positive: bool = True


Term = Constant | Symbol | Handle | Display | Application | Sum | Test


@dataclass(frozen=True, slots=True)
class IsTrue:
    """``bool(term)``."""

    term: Term


@dataclass(frozen=True, slots=True)
class Same:
    """``left == right``."""

    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Identical:
    """``left is right``; it implies equality, and equality does not imply it."""

    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Less:
    """``left < right``."""

    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class OneOf:
    """``term in items`` for a display of the source.

    Attributes
    ----------
    exact : bool
        Whether the term is one of the very items: ``1`` is then not ``True``.
    """

    term: Term
    items: tuple[Term, ...]
    exact: bool = False


@dataclass(frozen=True, slots=True)
class HasType:
    """``isinstance(term, types)``."""

    term: Term
    types: tuple[str, ...]


Atom = IsTrue | Same | Identical | Less | OneOf | HasType

LENGTH = "builtins.len"


def is_number(term: Term) -> bool:
    """Whether a value is certainly a number, whatever the path says."""
    if isinstance(term, Constant):
        return isinstance(term.value, (int, float))
    if isinstance(term, Sum):
        return is_number(term.left) and is_number(term.right)
    if isinstance(term, Symbol):
        return term.integer
    return isinstance(term, Application) and term.function == LENGTH


def symbols(item: Term | Atom) -> frozenset[Symbol]:
    """Give the unknowns that a term or an atom depends on."""
    found: set[Symbol] = set()
    pending: list[Any] = [item]
    while pending:
        one = pending.pop()
        if isinstance(one, Symbol):
            found.add(one)
        elif isinstance(one, (Sum, Same, Identical, Less)):
            pending += (one.left, one.right)
        elif isinstance(one, Display):
            pending += one.items
        elif isinstance(one, Application):
            pending += one.arguments
        elif isinstance(one, Test):
            pending.append(one.atom)
        elif isinstance(one, (IsTrue, HasType)):
            pending.append(one.term)
        elif isinstance(one, OneOf):
            pending += (one.term, *one.items)
    return frozenset(found)
