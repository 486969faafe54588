"""From tests to atoms over symbolic values; what is certain is decided here."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.symbolic.terms import (
    Application,
    Atom,
    Constant,
    Display,
    Handle,
    HasType,
    Identical,
    IsTrue,
    Less,
    OneOf,
    Same,
    Symbol,
    Term,
    Test,
    is_number,
)

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.symbolic.state import Store

Decision = tuple[Atom, bool] | bool | None
"""An atom with the polarity that makes the test true; a certain outcome; or nothing known."""


def atom(condition: ir.Condition, store: Store) -> Decision:
    """Translate a test."""
    if isinstance(condition, ir.Not):
        return _negated(atom(condition.inner, store))
    if isinstance(condition, ir.Unknown):
        return None
    if isinstance(condition, ir.Truth):
        return _truth(store.value(condition.operand))
    if isinstance(condition, ir.IsInstance):
        return _has_type(store.value(condition.operand), condition.types)
    return _compare(condition.op, store.value(condition.left), store.value(condition.right))


def is_none(term: Term) -> Atom:
    """Give the atom that a comparison with None becomes."""
    return Same(*_ordered(term, Constant(None)))


def _negated(decision: Decision) -> Decision:
    if decision is None or isinstance(decision, bool):
        return None if decision is None else not decision
    return decision[0], not decision[1]


def _truth(term: Term) -> Decision:
    if isinstance(term, Constant):
        return (IsTrue(term), True) if term.enumeration else bool(term.value)
    if isinstance(term, Handle):
        return True
    if isinstance(term, Display):
        # A list may have grown since it was written down.
        return bool(term.items) if term.kind == "tuple" else None
    if isinstance(term, Test):
        return term.atom, term.positive
    return IsTrue(term), True


def _compare(op: str, left: Term, right: Term) -> Decision:
    if op in ("is", "=="):
        return _same(left, right, identical=op == "is")
    if op in ("is not", "!="):
        return _negated(_same(left, right, identical=op == "is not"))
    if op in ("in", "not in"):
        found = _member(left, right)
        return found if op == "in" else _negated(found)
    if op in (">", "<="):
        left, right = right, left
    found = _less(left, right)
    return found if op in ("<", ">") else _negated(found)


def _same(left: Term, right: Term, *, identical: bool) -> Decision:
    if left == right:
        # A value that is not equal to itself exists: a float that is not a number.
        known = identical or is_number(left) or isinstance(left, (Constant, Handle, Test))
        return True if known else None
    if isinstance(left, Handle) or isinstance(right, Handle):
        other = right if isinstance(left, Handle) else left
        # What is called or read after the acquisition might be the resource again.
        later = isinstance(other, (Symbol, Application)) and not getattr(other, "readable", False)
        return None if later else False
    if isinstance(left, Constant) and isinstance(right, Constant):
        if left.enumeration or right.enumeration:
            same_class = left.enumeration == right.enumeration
            return False if same_class else (Same(*_ordered(left, right)), True)
        return not identical and bool(left.value == right.value)
    for one, other in ((left, right), (right, left)):
        if one == Constant(None) and _is_present(other):
            return False
        if isinstance(one, Constant) and isinstance(one.value, bool) and isinstance(other, Test):
            return other.atom, other.positive == one.value
    if isinstance(left, Display) or isinstance(right, Display):
        return None
    if identical and not any(_one_of_a_kind(term) for term in (left, right)):
        return Identical(*_ordered(left, right)), True
    return Same(*_ordered(left, right)), True


def _one_of_a_kind(term: Term) -> bool:
    """Whether equality with a constant means identity."""
    return isinstance(term, Constant) and (term.value is None or bool(term.enumeration))


def _is_present(term: Term) -> bool:
    return isinstance(term, (Display, Test)) or (isinstance(term, Symbol) and term.present)


def _ordered(left: Term, right: Term) -> tuple[Term, Term]:
    return (left, right) if repr(left) <= repr(right) else (right, left)


def _member(left: Term, right: Term) -> Decision:
    if isinstance(right, Display):
        if isinstance(left, Handle):
            return False
        return OneOf(left, right.items), True
    if isinstance(left, (Handle, Display)):
        return None
    return IsTrue(Application("in", (left, right))), True


def _less(left: Term, right: Term) -> Decision:
    if isinstance(left, Constant) and isinstance(right, Constant):
        try:
            return bool(left.value < right.value)
        except TypeError:
            return None
    if any(isinstance(term, (Handle, Display)) for term in (left, right)):
        return None
    return Less(left, right), True


def _has_type(term: Term, types: tuple[str, ...]) -> Decision:
    if isinstance(term, Constant) and not term.enumeration:
        classes = [_builtin(name) for name in types]
        if all(item is not None for item in classes):
            return isinstance(term.value, tuple(item for item in classes if item is not None))
        return None
    if isinstance(term, Display):
        known = {"builtins.tuple", "builtins.list", "builtins.set"}
        return (f"builtins.{term.kind}" in types) if set(types) <= known else None
    if isinstance(term, (Handle, Test)):
        return None
    return HasType(term, tuple(sorted(set(types)))), True


def _builtin(name: str) -> type[Any] | None:
    found = getattr(builtins, name.removeprefix("builtins."), None)
    return found if isinstance(found, type) and name.startswith("builtins.") else None
