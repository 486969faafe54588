"""The theory: Python values as one sort, with the facets that tests look at.

Every value is an element of an uninterpreted sort. Its truth, its number and its length are
functions on the sort, so that equal values agree in all of them and pure calls follow by
congruence. Constants are pairwise distinct elements. Equal values need not be one object (1, 1.0
and True are equal): identity and the classes that a value is an instance of are functions on a
second sort, with one element for each term.

What Python guarantees of the facets is added for the values that a path mentions. An operator is
a function without meaning, which is that of arithmetic only where both operands are numbers: what
is not known to be a number might be a string, a list, or something that overloads the operator.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis.symbolic.examples import KNOWN, builtin_class, example
from kimera_leakguard_native.analysis.symbolic.regions import SomeObject
from kimera_leakguard_native.analysis.symbolic.terms import (
    LENGTH,
    Application,
    Atom,
    Constant,
    HasType,
    Identical,
    IsTrue,
    Less,
    OneOf,
    Same,
    Sum,
    Symbol,
    Term,
    Test,
    is_number,
)

if TYPE_CHECKING:
    from typing import TypeGuard

_NUMERIC = frozenset({"builtins.int", "builtins.float", "builtins.bool"})
_OF_NONE = frozenset({"object", "NoneType", "Hashable", "Any"})
"""Classes that None may be an instance of."""


class Theory:
    """Translates atoms of one query to formulas.

    Parameters
    ----------
    z3 : module
        Imported by the caller: only who asks the solver pays for loading it.

    Attributes
    ----------
    axioms, preferred : list of formula
        What holds of the values that the atoms mention; what makes a better witness.
    """

    def __init__(self, z3: Any) -> None:
        self._z3 = z3
        self._sort = z3.DeclareSort("Value")
        self._objects_sort = z3.DeclareSort("Object")
        boolean, real, integer = z3.BoolSort(), z3.RealSort(), z3.IntSort()
        self._truth = z3.Function("truth", self._sort, boolean)
        self._numeric = z3.Function("numeric", self._sort, boolean)
        self._number = z3.Function("number", self._sort, real)
        self._integer = z3.Function("integer", self._sort, integer)
        self._length = z3.Function("length", self._sort, integer)
        self._boolean = boolean
        self._constants: dict[Any, Any] = {}
        self._values: dict[Term, Any] = {}
        self._types: dict[str, Any] = {}
        self._typed: dict[Term, set[str]] = {}
        self._objects: dict[Term, Any] = {}
        self._truths = [z3.Const(f"object {name}", self._objects_sort) for name in ("no", "yes")]
        self._sized: set[int] = set()
        self.preferred: list[Any] = []
        self.axioms: list[Any] = [self._truths[0] != self._truths[1]]
        self._none = self._constant(Constant(None))

    def whole(self) -> list[Any]:
        """Give formulas that make a model easier to read, and need not hold."""
        return [self._z3.IsInt(self._number(item.arg(0))) for item in self.preferred]

    def formula(self, atom: Atom) -> Any:
        """Translate one atom."""
        if isinstance(atom, IsTrue):
            return self._true(atom.term)
        if isinstance(atom, Same):
            return self._same(atom.left, atom.right)
        if isinstance(atom, OneOf):
            chosen = self._identical if atom.exact else self._same
            return self._z3.Or([chosen(atom.term, item) for item in atom.items])
        if isinstance(atom, Identical):
            return self._identical(atom.left, atom.right)
        if isinstance(atom, Less):
            if is_number(atom.left) or is_number(atom.right):
                # The comparison did not raise, so both are numbers, whatever its outcome.
                self.axioms += [self._numeric(self.value(t)) for t in (atom.left, atom.right)]
            # Otherwise perhaps strings: an order that is only consistent with itself.
            self.preferred += [self._numeric(self.value(t)) for t in (atom.left, atom.right)]
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
        elif isinstance(term, Sum):
            operator = z3.Function(f"operator {term.op}", self._sort, self._sort, self._sort)
            made = operator(self.value(term.left), self.value(term.right))
        else:
            # Each of the others is only equal to itself, and so is its description.
            made = z3.Const(term.name if isinstance(term, Symbol) else repr(term), self._sort)
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
                self.axioms.append(self._is_whole(made))
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
            self._calculate(term, made)
        elif isinstance(term, Application):
            self._apply(term, made)
        return made

    def _apply(self, term: Application, made: Any) -> None:
        """Say what the builtin functions on numbers give."""
        z3 = self._z3
        numbers = [self._number(self.value(item)) for item in term.arguments]
        if term.function == "builtins.abs" and len(numbers) == 1:
            result = z3.If(numbers[0] < 0, -numbers[0], numbers[0])
        elif term.function in ("builtins.min", "builtins.max") and len(numbers) == 2:
            smaller = numbers[0] < numbers[1]
            if term.function == "builtins.max":
                numbers.reverse()
            result = z3.If(smaller, *numbers)
        else:
            return
        known = [self._numeric(self.value(item)) for item in term.arguments]
        self.preferred += known
        self.axioms.append(
            z3.Implies(z3.And(known), z3.And(self._numeric(made), self._number(made) == result))
        )

    def _calculate(self, term: Sum, made: Any) -> None:
        """Say what an operator gives for numbers, where that is linear."""
        z3 = self._z3
        left, right = (self._as_number(side) for side in (term.left, term.right))
        numbers = [self._numeric(self.value(side)) for side in (term.left, term.right)]
        self.preferred += numbers
        if term.op in ("+", "-") and any(is_number(side) for side in (term.left, term.right)):
            # Adding a number did not raise.
            self.axioms += numbers
        known = [self._numeric(made)]
        if term.op in ("+", "-"):
            known.append(self._number(made) == (left + right if term.op == "+" else left - right))
        elif term.op == "*":
            if any(isinstance(side, Constant) for side in (term.left, term.right)):
                known.append(self._number(made) == left * right)
        elif term.op in ("%", "//") and _positive(term.right):
            whole = z3.FreshInt("quotient")
            rest = left - right * z3.ToReal(whole)
            if isinstance(term.left, Symbol) and term.left.integer:
                rest = z3.ToReal(self._integer(self.value(term.left)) - term.right.value * whole)
            known += [rest >= 0, rest < right]
            known.append(self._number(made) == (rest if term.op == "%" else z3.ToReal(whole)))
        else:
            return
        self.axioms.append(z3.Implies(z3.And(numbers), z3.And(known)))

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
        if isinstance(term.value, (int, float)) and math.isfinite(term.value):
            self.axioms.append(self._number(made) == _real(z3, term.value))
        if isinstance(term.value, (str, bytes)):
            self.axioms.append(self._length(made) == len(term.value))
        return made

    def _true(self, term: Term) -> Any:
        if isinstance(term, Test):
            inner = self.formula(term.atom)
            return inner if term.positive else self._z3.Not(inner)
        return self._truth(self.value(term))

    def _same(self, left: Term, right: Term) -> Any:
        z3 = self._z3
        one, other = self.value(left), self.value(right)
        if is_number(left) or is_number(right):
            # Equal numbers are equal values, of whatever class.
            numbers = [self._numeric(item) for item in (one, other)]
            return z3.And(*numbers, self._as_number(left) == self._as_number(right))
        return one == other

    def _is_whole(self, made: Any) -> Any:
        return self._number(made) == self._z3.ToReal(self._integer(made))

    def _identical(self, left: Term, right: Term) -> Any:
        same = self._object(left) == self._object(right)
        return self._z3.And(same, self._same(left, right))

    def _object(self, term: Term) -> Any:
        known = self._objects.get(term)
        if known is None:
            if isinstance(term, Constant) and isinstance(term.value, bool):
                known = self._truths[term.value]
            elif isinstance(term, Test):
                test = self.formula(term.atom)
                outcomes = self._truths if term.positive else self._truths[::-1]
                known = self._z3.If(test, outcomes[1], outcomes[0])
            else:
                known = self._z3.Const(f"object {term!r}", self._objects_sort)
                self.axioms += [
                    self._z3.Implies(known == item, self.value(term) == self._constant(Constant(v)))
                    for v, item in ((False, self._truths[0]), (True, self._truths[1]))
                ]
            self._objects[term] = known
        return known

    def _as_number(self, term: Term) -> Any:
        if (
            isinstance(term, Constant)
            and isinstance(term.value, (int, float))
            and math.isfinite(term.value)
        ):
            return _real(self._z3, term.value)
        return self._number(self.value(term))

    def _has_type(self, atom: HasType) -> Any:
        return self._z3.Or([self._instance(atom.term, name) for name in atom.types])

    def _instance(self, term: Term, name: str) -> Any:
        predicate = self._types.get(name)
        if predicate is None:
            predicate = self._types[name] = self._z3.Function(
                f"is {name}", self._objects_sort, self._boolean
            )
        known = self._typed.setdefault(term, set())
        item = predicate(self._object(term))
        if name not in known:
            known.add(name)
            self._relate(term, name, item)
        return item

    def _relate(self, term: Term, name: str, item: Any) -> None:
        """Say what an instance of a builtin class is and is not."""
        z3 = self._z3
        made = self.value(term)
        if name.rpartition(".")[2] not in _OF_NONE:
            self.axioms.append(z3.Implies(item, made != self._none))
        found = builtin_class(name)
        if found is None:
            return
        for other in self._typed[term] - {name}:
            second = builtin_class(other)
            if second is None:
                continue
            other_item = self._types[other](self._object(term))
            if issubclass(found, second):
                self.axioms.append(z3.Implies(item, other_item))
            elif issubclass(second, found):
                self.axioms.append(z3.Implies(other_item, item))
            elif name in KNOWN and other in KNOWN:
                self.axioms.append(z3.Not(z3.And(item, other_item)))
        if name in KNOWN:
            numeric = self._numeric(made)
            self.axioms.append(z3.Implies(item, numeric if name in _NUMERIC else z3.Not(numeric)))
        if name in ("builtins.str", "builtins.bytes"):
            for (enumeration, value), constant in self._constants.items():
                if not enumeration and isinstance(value, (str, bytes)):
                    is_kind = isinstance(value, found)
                    self.axioms.append(z3.Implies(made == constant, item == is_kind))
        if name == "builtins.int" and isinstance(term, Symbol) and term.integer:
            self.axioms.append(item)
        if name == "builtins.bool":
            self.axioms.append(item == z3.Or([self._object(term) == one for one in self._truths]))
        if name in ("builtins.int", "builtins.bool"):
            self.axioms.append(z3.Implies(item, self._is_whole(made)))

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
        for name in KNOWN:
            typed = name in self._typed.get(symbol, ())
            if typed and holds(self._types[name](self._object(symbol))):
                return example(name, true=true, number=self._value_of(model, made))
        if made.get_id() in self._sized:
            size = model.eval(self._length(made), model_completion=True)
            return [None] * min(size.as_long(), 1000)
        if holds(self._numeric(made)):
            return self._value_of(model, made)
        return SomeObject(true=true)

    def _value_of(self, model: Any, made: Any) -> int | float:
        number = model.eval(self._number(made), model_completion=True)
        if self._z3.is_rational_value(number):
            if number.denominator_as_long() == 1:
                return int(number.numerator_as_long())
            return float(number.numerator_as_long() / number.denominator_as_long())
        return 0


def _positive(term: Term) -> TypeGuard[Constant]:
    return isinstance(term, Constant) and isinstance(term.value, int) and term.value > 0


def _real(z3: Any, value: float) -> Any:
    return z3.RealVal(int(value)) if isinstance(value, int) else z3.RealVal(repr(value))
