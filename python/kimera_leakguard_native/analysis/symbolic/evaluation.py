"""Tests evaluated under the values of a model: what is printed must satisfy them."""

from __future__ import annotations

import builtins
import operator
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis.symbolic.regions import SomeObject
from kimera_leakguard_native.analysis.symbolic.terms import (
    LENGTH,
    Application,
    Atom,
    Constant,
    Display,
    HasType,
    Identical,
    IsTrue,
    OneOf,
    Same,
    Sum,
    Symbol,
    Term,
    Test,
    symbols,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    LENGTH: len,
    "builtins.abs": abs,
    "builtins.min": min,
    "builtins.max": max,
    "in": lambda item, container: item in container,
}
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "%": operator.mod,
    "//": operator.floordiv,
    "&": operator.and_,
    "|": operator.or_,
}
_DISPLAYS: dict[str, Callable[[list[Any]], Any]] = {"tuple": tuple, "list": list, "set": set}


class _NotKnownError(Exception):
    """The value of a term does not follow from the values of the symbols."""


def confirmed(literals: Sequence[tuple[Atom, bool]], values: dict[str, Any]) -> dict[str, Any]:
    """Keep the values of those symbols whose tests all come out as they should."""
    doubtful: set[str] = set()
    fixed: set[str] = set()
    for atom, positive in literals:
        if positive and isinstance(atom, Same):
            fixed.update(_fixed(atom.left, atom.right, values))
            fixed.update(_fixed(atom.right, atom.left, values))
        try:
            holds = _holds(atom, values) is positive
        except Exception:  # noqa: BLE001 - the test cannot be evaluated, whatever stops it
            holds = False
        if not holds:
            doubtful.update(symbol.name for symbol in symbols(atom))
    return {name: value for name, value in values.items() if name not in doubtful or name in fixed}


def _fixed(term: Term, other: Term, values: dict[str, Any]) -> list[str]:
    if not (isinstance(term, Symbol) and isinstance(other, Constant)) or other.enumeration:
        return []
    return [term.name] if term.name in values and values[term.name] == other.value else []


def _holds(atom: Atom, values: dict[str, Any]) -> bool:
    if isinstance(atom, IsTrue):
        return bool(_value(atom.term, values))
    if isinstance(atom, HasType):
        return _has_type(_value(atom.term, values), atom.types)
    if isinstance(atom, OneOf):
        chosen = _value(atom.term, values)
        items = [_value(item, values) for item in atom.items]
        return any(chosen == one and (not atom.exact or type(chosen) is type(one)) for one in items)
    left, right = _value(atom.left, values), _value(atom.right, values)
    if isinstance(atom, Same):
        return bool(left == right)
    if isinstance(atom, Identical):
        if left == right and not isinstance(left, bool) and type(left) is type(right):
            raise _NotKnownError
        return left is right
    return bool(left < right)


def _has_type(value: Any, types: tuple[str, ...]) -> bool:
    found = []
    for name in types:
        one = getattr(builtins, name.removeprefix("builtins."), None)
        if not isinstance(one, type):
            raise _NotKnownError
        found.append(one)
    return isinstance(value, tuple(found))


def _value(term: Term, values: dict[str, Any]) -> Any:
    if isinstance(term, Constant) and not term.enumeration:
        return term.value
    if isinstance(term, Symbol) and term.name in values:
        return values[term.name]
    if isinstance(term, Test):
        return _holds(term.atom, values) is term.positive
    if isinstance(term, Sum) and term.op in _OPERATORS:
        left, right = _value(term.left, values), _value(term.right, values)
        if not all(isinstance(side, (int, float)) for side in (left, right)):
            raise _NotKnownError
        return _OPERATORS[term.op](left, right)
    if isinstance(term, Application) and term.function in _FUNCTIONS:
        arguments = [_value(item, values) for item in term.arguments]
        if any(isinstance(item, SomeObject) for item in arguments):
            raise _NotKnownError
        return _FUNCTIONS[term.function](*arguments)
    if isinstance(term, Display):
        return _DISPLAYS[term.kind]([_value(item, values) for item in term.items])
    raise _NotKnownError
