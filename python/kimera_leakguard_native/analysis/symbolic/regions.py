"""Tests that compare one unknown with constants: decided by trying a value of every region.

The constants cut the numbers into regions, and what else a value can be (None, a boolean, one of
the strings, another string, an empty or a full container, some object) is finite too. A test is
true on a set of these candidates; the tests hold together if the sets have one in common, and that
candidate is the witness. This spares most queries to the solver, and loading it.
"""

from __future__ import annotations

import builtins
import itertools
import math
from typing import Any

from kimera_leakguard_native.analysis.symbolic.terms import (
    Atom,
    Constant,
    HasType,
    Identical,
    IsTrue,
    Less,
    OneOf,
    Same,
    Symbol,
    Term,
)


class SomeObject:
    """An object of no known class."""

    def __init__(self, *, true: bool = True) -> None:
        self._true = true

    def __bool__(self) -> bool:
        """Tell whether it counts as true."""
        return self._true

    def __repr__(self) -> str:
        """Say so in a witness."""
        return "<some object>" if self._true else "<some false object>"


_OTHERS: tuple[Any, ...] = (
    None, True, False, "", "another string", b"", b"other bytes", (), (None,), [], [None], {},
    {None: None}, set(), {None}, SomeObject(), SomeObject(true=False),
)  # fmt: skip
_TYPES = frozenset(
    f"builtins.{name}"
    for name in ("str", "bytes", "int", "float", "bool", "list", "tuple", "dict", "set")
)


def applies(atom: Atom, symbol: Symbol) -> bool:
    """Whether a test compares the symbol with plain constants only."""
    if isinstance(atom, IsTrue):
        return atom.term == symbol
    if isinstance(atom, HasType):
        return atom.term == symbol and _TYPES.issuperset(atom.types)
    if isinstance(atom, OneOf):
        return atom.term == symbol and all(_plain(item) for item in atom.items)
    for one, other in ((atom.left, atom.right), (atom.right, atom.left)):
        if one == symbol and isinstance(other, Constant) and _plain(other):
            if isinstance(atom, Identical):
                return other.value is None or isinstance(other.value, bool)
            return isinstance(atom, Same) or isinstance(other.value, (int, float))
    return False


def decide(symbol: Symbol, literals: list[tuple[Atom, bool]]) -> tuple[bool, Any]:
    """Give True with a value under which all literals hold, or False with positions that clash."""
    candidates = _candidates(symbol, [atom for atom, _ in literals])
    masks = []
    for atom, positive in literals:
        mask = 0
        for bit, value in enumerate(candidates):
            outcome = _holds(atom, symbol, value)
            if outcome is not None and outcome is positive:
                mask |= 1 << bit
        masks.append(mask)
    common = (1 << len(candidates)) - 1
    for mask in masks:
        common &= mask
    if common:
        return True, candidates[(common & -common).bit_length() - 1]
    kept = list(range(len(masks)))
    for position in range(len(masks)):
        without = [one for one in kept if one != position]
        rest = (1 << len(candidates)) - 1
        for one in without:
            rest &= masks[one]
        if not rest:
            kept = without
    return False, kept


def _plain(term: Term) -> bool:
    return isinstance(term, Constant) and not term.enumeration


def _candidates(symbol: Symbol, atoms: list[Atom]) -> list[Any]:
    constants: list[Any] = []
    for atom in atoms:
        if isinstance(atom, (Same, Identical, Less)):
            terms: tuple[Term, ...] = (atom.left, atom.right)
        elif isinstance(atom, OneOf):
            terms = atom.items
        else:
            terms = ()
        constants.extend(term.value for term in terms if isinstance(term, Constant))
    numbers = sorted(
        {float(value) for value in constants if isinstance(value, (int, float))} | {0.0}
    )
    tried: list[Any] = [_whole(n + step) for n in numbers for step in (0, 1, -1)]
    if symbol.integer:
        whole = (int(value) for value in tried if math.isfinite(value) and value == int(value))
        return [*dict.fromkeys(whole), True, False]
    tried.extend([float(value) for value in tried])
    tried.extend(n + step for n in numbers for step in (0.5, -0.5))
    tried.extend((a + b) / 2 for a, b in itertools.pairwise(numbers))
    words = [value for value in constants if isinstance(value, (str, bytes))]
    return [*(value for value in _OTHERS if not (symbol.present and value is None)), *words, *tried]


def _whole(number: float) -> float:
    return int(number) if abs(number) < 2**53 and number == int(number) else number


def _holds(atom: Atom, symbol: Symbol, value: Any) -> bool | None:
    """Evaluate a test; None where evaluating it would raise."""
    if isinstance(atom, IsTrue):
        return bool(value)
    if isinstance(atom, HasType):
        classes = tuple(getattr(builtins, name.removeprefix("builtins.")) for name in atom.types)
        return isinstance(value, classes)
    if isinstance(atom, OneOf):
        return any(
            value == item.value and (not atom.exact or type(value) is type(item.value))
            for item in atom.items
            if isinstance(item, Constant)
        )
    left = value if atom.left == symbol else getattr(atom.left, "value", None)
    right = value if atom.right == symbol else getattr(atom.right, "value", None)
    if isinstance(atom, Same):
        return bool(left == right)
    if isinstance(atom, Identical):
        return left is right
    try:
        return bool(left < right)  # type: ignore[operator]
    except TypeError:
        return None
