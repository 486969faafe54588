"""The theory: Python values as one sort, with the facets that tests look at.

Every value is an element of an uninterpreted sort. Its truth, its number, its length and the
classes that it is an instance of are functions on the sort, so that equal values agree in all of
them and pure calls follow by congruence. Constants are pairwise distinct elements. What Python
guarantees of the facets is added for the values that a path mentions.
"""

from __future__ import annotations

import builtins
from typing import Any

from kimera_leakguard_native.analysis.symbolic.regions import SomeObject
from kimera_leakguard_native.analysis.symbolic.terms import (
    LENGTH,
    Application,
    Atom,
    Constant,
    HasType,
    IsTrue,
    Less,
    OneOf,
    Same,
    Sum,
    Symbol,
    Term,
    Test,
)

_DISJOINT = (
    "builtins.str", "builtins.bytes", "builtins.list", "builtins.tuple", "builtins.dict",
    "builtins.set", "builtins.frozenset", "builtins.int", "builtins.float", "builtins.bytearray",
)  # fmt: skip
_SIZED = frozenset(_DISJOINT) - {"builtins.int", "builtins.float"}


class Theory:
    """Translates atoms of one query to formulas.

    Parameters
    ----------
    z3 : module
        Imported by the caller: only who asks the solver pays for loading it.
    """

    def __init__(self, z3: Any) -> None:
        self._z3 = z3
        self._sort = z3.DeclareSort("Value")
        boolean, real, integer = z3.BoolSort(), z3.RealSort(), z3.IntSort()
        self._truth = z3.Function("truth", self._sort, boolean)
        self._numeric = z3.Function("numeric", self._sort, boolean)
        self._number = z3.Function("number", self._sort, real)
        self._length = z3.Function("length", self._sort, integer)
        self._boolean = boolean
        self._constants: dict[Any, Any] = {}
        self._values: dict[Term, Any] = {}
        self._types: dict[str, Any] = {}
        self._typed: dict[Any, Any] = {}
        self._sized: set[int] = set()
        self.axioms: list[Any] = []
        self._none = self._constant(Constant(None))

    def formula(self, atom: Atom) -> Any:
        """Translate one atom."""
        if isinstance(atom, IsTrue):
            return self._true(atom.term)
        if isinstance(atom, Same):
            return self._same(atom.left, atom.right)
        if isinstance(atom, OneOf):
            return self._z3.Or([self._same(atom.term, item) for item in atom.items])
        if isinstance(atom, Less):
            if _plainly_numeric(atom.left) or _plainly_numeric(atom.right):
                # The comparison did not raise, so both are numbers, whatever its outcome.
                self.axioms += [self._numeric(self.value(t)) for t in (atom.left, atom.right)]
            # Otherwise perhaps strings: an order that is only consistent with itself.
            return self._as_number(atom.left) < self._as_number(atom.right)
        return self._has_type(atom)

    def value(self, term: Term) -> Any:
        """Give the element of the sort that a term stands for."""
        known = self._values.get(term)
        if known is None:
            known = self._values[term] = self._make(term)
        return known

    def _make(self, term: Term) -> Any:
        z3 = self._z3
        if isinstance(term, Constant):
            return self._constant(term)
        if isinstance(term, Application) and term.function != LENGTH:
            arguments = [self.value(item) for item in term.arguments]
            name = f"{term.function}/{len(arguments)}"
            function = z3.Function(name, *[self._sort] * (len(arguments) + 1))
            made = function(*arguments)
        elif isinstance(term, Test):
            test = self.formula(term.atom)
            chosen = (Constant(True), Constant(False))
            yes, no = chosen if term.positive else chosen[::-1]
            return z3.If(test, self._constant(yes), self._constant(no))
        else:
            name = term.name if isinstance(term, Symbol) else f"term {len(self._values)}"
            made = z3.Const(name, self._sort)
        none = self._none
        self.axioms.append(z3.Implies(made == none, z3.Not(self._truth(made))))
        self.axioms.append(
            z3.Implies(self._numeric(made), self._truth(made) == (self._number(made) != 0))
        )
        if isinstance(term, Symbol):
            if term.present:
                self.axioms.append(made != none)
            if term.integer:
                self.axioms.append(self._numeric(made))
                self.axioms.append(z3.IsInt(self._number(made)))
        elif isinstance(term, Application) and term.function == LENGTH and term.arguments:
            sized = self.value(term.arguments[0])
            self._sized.add(sized.get_id())
            self.axioms += [
                self._numeric(made),
                self._number(made) == z3.ToReal(self._length(sized)),
                self._length(sized) >= 0,
                self._truth(sized) == (self._length(sized) > 0),
                sized != none,
            ]
        elif isinstance(term, Sum):
            self.axioms.append(
                z3.Implies(self._numeric(made), self._number(made) == self._sum(term))
            )
            sides = (term.left, term.right)
            if term.op != "*" and any(_plainly_numeric(side) for side in sides):
                # Adding a number did not raise.
                self.axioms += [self._numeric(made), *(self._numeric(self.value(s)) for s in sides)]
            elif self._certainly_numeric(term):
                self.axioms.append(self._numeric(made))
        return made

    def _constant(self, term: Constant) -> Any:
        # Python's own equality decides which constants are one value: 1 == True == 1.0.
        key = (term.enumeration, term.value)
        known = self._constants.get(key)
        if known is not None:
            return known
        z3 = self._z3
        made = z3.Const(f"constant {len(self._constants)}", self._sort)
        self.axioms.extend(
            made != other
            for (enumeration, _), other in self._constants.items()
            # Members of different enumerations, or a member and a plain value, may be equal.
            if enumeration == term.enumeration
        )
        self._constants[key] = made
        if term.enumeration:
            return made
        self.axioms.append(self._truth(made) == bool(term.value))
        number = isinstance(term.value, (int, float))
        self.axioms.append(self._numeric(made) == number)
        if number:
            self.axioms.append(self._number(made) == _real(z3, term.value))
        if isinstance(term.value, (str, bytes)):
            self.axioms.append(self._length(made) == len(term.value))
        for name in _DISJOINT:
            if name in self._types:
                self.axioms.append(self._types[name](made) == isinstance(term.value, _class(name)))
        return made

    def _true(self, term: Term) -> Any:
        if isinstance(term, Test):
            inner = self.formula(term.atom)
            return inner if term.positive else self._z3.Not(inner)
        return self._truth(self.value(term))

    def _same(self, left: Term, right: Term) -> Any:
        if _plainly_numeric(left) or _plainly_numeric(right):
            numbers = [self._numeric(self.value(term)) for term in (left, right)]
            return self._z3.And(*numbers, self._as_number(left) == self._as_number(right))
        return self.value(left) == self.value(right)

    def _as_number(self, term: Term) -> Any:
        if isinstance(term, Constant) and isinstance(term.value, (int, float)):
            return _real(self._z3, term.value)
        return self._number(self.value(term))

    def _sum(self, term: Sum) -> Any:
        left, right = self._as_number(term.left), self._as_number(term.right)
        if term.op == "+":
            return left + right
        return left - right if term.op == "-" else left * right

    def _certainly_numeric(self, term: Term) -> bool:
        if isinstance(term, Sum):
            return self._certainly_numeric(term.left) and self._certainly_numeric(term.right)
        return _plainly_numeric(term) or (isinstance(term, Symbol) and term.integer)

    def _has_type(self, atom: HasType) -> Any:
        made = self.value(atom.term)
        return self._z3.Or([self._instance(made, name) for name in atom.types])

    def _instance(self, made: Any, name: str) -> Any:
        z3 = self._z3
        predicate = self._types.get(name)
        if predicate is None:
            predicate = self._types[name] = z3.Function(f"is {name}", self._sort, self._boolean)
            self.axioms.append(z3.Not(predicate(self._none)))
            for (enumeration, value), constant in self._constants.items():
                found = _class(name)
                if not enumeration and found is not None and value is not None:
                    self.axioms.append(predicate(constant) == isinstance(value, found))
        key = (made.get_id(), name)
        if key not in self._typed:
            self._typed[key] = made
            self._relate(made, name, predicate)
        return predicate(made)

    def _relate(self, made: Any, name: str, predicate: Any) -> None:
        z3 = self._z3
        if name not in _DISJOINT:
            return
        for other in _DISJOINT:
            if other != name and (made.get_id(), other) in self._typed:
                self.axioms.append(z3.Not(z3.And(predicate(made), self._types[other](made))))
        numeric = name not in _SIZED
        self.axioms.append(
            z3.Implies(
                predicate(made), self._numeric(made) if numeric else z3.Not(self._numeric(made))
            )
        )

    def reading(self, model: Any, symbol: Symbol) -> Any:
        """Give a Python value that behaves like a symbol does in a model."""
        made = self._values.get(symbol)
        if made is None:
            return Ellipsis
        z3 = self._z3

        def holds(formula: Any) -> bool:
            return bool(z3.is_true(model.eval(formula, model_completion=True)))

        for (enumeration, value), constant in self._constants.items():
            if not enumeration and holds(made == constant):
                return value
        true = holds(self._truth(made))
        for name in _DISJOINT:
            if (made.get_id(), name) in self._typed and holds(self._types[name](made)):
                return _example(name, true=true, number=self._value_of(model, made))
        if made.get_id() in self._sized:
            size = model.eval(self._length(made), model_completion=True)
            return [None] * min(size.as_long(), 1000)
        if holds(self._numeric(made)):
            return self._value_of(model, made)
        return SomeObject() if true else ()

    def _value_of(self, model: Any, made: Any) -> int | float:
        number = model.eval(self._number(made), model_completion=True)
        if self._z3.is_rational_value(number):
            if number.denominator_as_long() == 1:
                return int(number.numerator_as_long())
            return float(number.numerator_as_long() / number.denominator_as_long())
        return 0


def _plainly_numeric(term: Term) -> bool:
    if isinstance(term, Constant):
        return isinstance(term.value, (int, float)) and not isinstance(term.value, bool)
    return isinstance(term, Sum) or (isinstance(term, Application) and term.function == LENGTH)


def _real(z3: Any, value: float) -> Any:
    if isinstance(value, int):
        return z3.RealVal(int(value))
    return (
        z3.RealVal(repr(value)) if value == value and abs(value) != float("inf") else z3.RealVal(0)
    )


def _class(name: str) -> Any:
    found = getattr(builtins, name.removeprefix("builtins."), None)
    return found if isinstance(found, type) else None


def _example(name: str, *, true: bool, number: float) -> Any:
    examples: dict[str, tuple[Any, Any]] = {
        "builtins.str": ("x", ""),
        "builtins.bytes": (b"x", b""),
        "builtins.list": ([None], []),
        "builtins.tuple": ((None,), ()),
        "builtins.dict": ({None: None}, {}),
        "builtins.set": ({None}, set()),
        "builtins.frozenset": (frozenset({None}), frozenset()),
        "builtins.bytearray": (bytearray(b"x"), bytearray()),
    }
    if name in examples:
        return examples[name][0 if true else 1]
    return float(number) if name == "builtins.float" else int(number)
