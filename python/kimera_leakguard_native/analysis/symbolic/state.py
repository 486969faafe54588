"""The symbolic store of one path, and what each instruction does to it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.symbolic import conditions
from kimera_leakguard_native.analysis.symbolic.relevance import ITEMS
from kimera_leakguard_native.analysis.symbolic.surroundings import MUTATORS, Surroundings
from kimera_leakguard_native.analysis.symbolic.terms import (
    Application,
    Constant,
    Display,
    Handle,
    Sum,
    Symbol,
    Term,
    Test,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.analysis.dataflow import Site

_QUESTIONS = ("is", "has", "can", "should", "are", "needs", "supports")
_ASKS_THE_SYSTEM = ("os.", "pathlib.", "shutil.", "time.", "random.", "select.", "threading.")
_INTEGERS = frozenset({"builtins.len", "builtins.int", "builtins.ord", "builtins.id"})


@dataclass(slots=True)
class Store:
    """Values of places, and of attributes and items that were read since they may have changed."""

    around: Surroundings
    places: dict[str, Term] = field(default_factory=dict)
    heap: dict[tuple[Term, str, Term | None], Term] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    made: int = 0

    def copy(self) -> Store:
        """Give a store that can go another way."""
        return Store(self.around, dict(self.places), dict(self.heap), set(self.named), self.made)

    def fresh(self, *, present: bool = False, integer: bool = False) -> Symbol:
        """Make a value of which nothing is known."""
        self.made += 1
        return Symbol(f"%{self.made}", present=present, integer=integer)

    def value(self, operand: ir.Operand) -> Term:
        """Evaluate an operand."""
        if isinstance(operand, str):
            known = self.places.get(operand)
            if known is None:
                integer = self.around.types.get(operand) == "builtins.int"
                known = Symbol(operand, not operand.startswith("%"), integer, integer)
                self.places[operand] = known
            return known
        if isinstance(operand, ir.Literal):
            return _constant(operand.value) or self.fresh(present=True)
        if isinstance(operand, ir.Global):
            return self._outside(operand.name)
        if operand.bounds is not None:
            return Application("slice", tuple(map(Constant, operand.bounds)))
        return self.fresh()

    def _outside(self, name: str) -> Term:
        written = self.places.get(f"g:{name}")
        if written is not None:
            return written
        owner, _, last = name.rpartition(".")
        around = self.around
        if owner == around.module and last in around.constants:
            return Constant(around.constants[last])
        if last.isupper() and owner.rpartition(".")[2][:1].isupper() and not around.is_plain(owner):
            return Constant(name, owner)
        return Symbol(name, readable=True)

    def _write_outside(self, name: str, value: Term) -> None:
        for owner in (self.around.module, "<outer>"):
            self.places[f"g:{owner}.{name}"] = value

    def _others_run(self) -> None:
        """Lose what other functions may assign while they run."""
        for name in sorted(self.around.changing):
            self._write_outside(name, self.fresh())
        for name in sorted(self.around.shared):
            self.places[name] = self.fresh()

    def forget(self, names: Iterable[str]) -> None:
        """Lose the values of variables, and of everything read from objects."""
        for name in names:
            self.places[name] = self.fresh()
        self.heap.clear()

    def run(self, instruction: ir.Instruction) -> None:
        """Apply one instruction."""
        if isinstance(instruction, ir.Assign):
            self.places[instruction.target] = self.value(instruction.source)
        elif isinstance(instruction, ir.Compute):
            self.places[instruction.target] = self._compute(instruction.expression)
        elif isinstance(instruction, ir.Call):
            self.places[instruction.target] = self._call(instruction)
        elif isinstance(instruction, ir.GetAttribute):
            self.places[instruction.target] = self._read(
                instruction.object, instruction.attribute, None
            )
        elif isinstance(instruction, ir.GetItem):
            self.places[instruction.target] = self._item(instruction)
        elif isinstance(instruction, ir.SetAttribute):
            owner, value = self.value(instruction.object), self.value(instruction.source)
            if instruction.object == ir.Global("<outer>"):
                self._write_outside(instruction.attribute, value)
                return
            self._drop(instruction.attribute)
            self.heap[owner, instruction.attribute, None] = value
        elif isinstance(instruction, ir.SetItem):
            self._drop(ITEMS)
            self._rebind(self.value(instruction.object))
        elif isinstance(instruction, ir.Build):
            items = tuple(self.value(item) for item in instruction.elements)
            sequence = instruction.kind in ("tuple", "list", "set")
            self.places[instruction.target] = (
                Display(instruction.kind, items) if sequence else self.fresh(present=True)
            )
        elif isinstance(instruction, ir.Unpack):
            self._unpack(instruction)
        elif isinstance(instruction, ir.Enter):
            manager = self.value(instruction.manager)
            self.places[instruction.target] = (
                manager if isinstance(manager, Handle) else self.fresh()
            )
        elif isinstance(instruction, (ir.Await, ir.Yield)):
            # Other tasks run here.
            self.heap.clear()
            self._others_run()
            self.places[instruction.target] = self.fresh()
        elif isinstance(instruction, (ir.Iterate, ir.Next, ir.MakeClosure)):
            self.places[instruction.target] = self.fresh()
        elif isinstance(instruction, ir.Delete):
            self.places.pop(instruction.name, None)

    def _compute(self, expression: ir.Expression) -> Term:
        if isinstance(expression, ir.Arithmetic):
            return _sum(expression.op, self.value(expression.left), self.value(expression.right))
        atom = conditions.atom(expression, self)
        if atom is None:
            return self.fresh(present=True)
        if isinstance(atom, bool):
            return Constant(atom)
        return Test(*atom)

    def _call(self, call: ir.Call) -> Term:
        site = self.around.site
        if site is not None and call is site.call:
            return self._acquired(site)
        arguments = tuple(self.value(item) for item in call.operands())
        receiver = None if call.receiver is None else self.value(call.receiver)
        if call.name == "builtins.bool" and len(call.arguments) == 1:
            return self._compute(ir.Truth(call.arguments[0]))
        if self._is_pure(call):
            owner = () if receiver is None else (receiver,)
            return Application(call.name or f".{call.method}", (*owner, *arguments))
        self._may_change(receiver, arguments)
        if not isinstance(receiver, Handle) and not _keeps_to_itself(call.name):
            self._others_run()
            for operand in call.operands():
                if operand in self.around.mutable:
                    self._rebind(self.value(operand))
        if receiver is not None and call.method in MUTATORS:
            self._rebind(receiver)
        for item in arguments:
            if isinstance(item, Display):
                self._rebind(item)
        last = (call.name or "").rpartition(".")[2]
        return self.fresh(present=last[:1].isupper(), integer=call.name in _INTEGERS)

    def _acquired(self, site: Site) -> Term:
        if not site.role:
            return Handle()
        index = int(site.role)
        size = max(index + 1, 2)
        return Display(
            "tuple",
            tuple(Handle() if i == index else self.fresh(present=True) for i in range(size)),
        )

    def _is_pure(self, call: ir.Call) -> bool:
        callees = self.around.callees
        if call.name is not None:
            if call.name in callees.pure:
                return True
            if call.name.startswith(_ASKS_THE_SYSTEM):
                return False
        if call.method in callees.pure_methods:
            return True
        if call.name is None and call.function is None and call.method is not None:
            # A method may ask an object about a state that changes.
            return False
        last = (call.name or "").rpartition(".")[2].lstrip("_").lower()
        return last.startswith(_QUESTIONS) and bool(call.arguments)

    def _may_change(self, receiver: Term | None, arguments: tuple[Term, ...]) -> None:
        given = {*arguments, *(() if receiver is None else (receiver,))}
        own = self.around.self_name
        gone = [
            key
            for key in self.heap
            if key[0] in given
            and not (
                isinstance(key[0], Symbol) and key[0].name == own and key[1] in self.around.steady
            )
        ]
        for key in gone:
            del self.heap[key]

    def _rebind(self, value: Term) -> None:
        """Lose a container that may have other items from here on."""
        if isinstance(value, Symbol) or (isinstance(value, Display) and value.kind != "tuple"):
            after = self.fresh(present=True)
            for place, known in self.places.items():
                if known == value:
                    self.places[place] = after

    def _read(self, owner: ir.Operand, attribute: str, key: Term | None) -> Term:
        value = self.value(owner)
        if isinstance(value, Handle):
            return Constant(False) if attribute == "closed" else self.fresh()
        known = self.heap.get((value, attribute, key))
        if known is None:
            if isinstance(value, Symbol) and value.readable and key is None:
                name = f"{value.name}.{attribute}"
                # After a write or a call the same name is another value.
                known = self.fresh() if name in self.named else Symbol(name, readable=True)
                self.named.add(name)
            else:
                known = self.fresh()
            self.heap[value, attribute, key] = known
        return known

    def _item(self, instruction: ir.GetItem) -> Term:
        value, key = self.value(instruction.object), self.value(instruction.key)
        if isinstance(value, Display) and value.kind == "tuple" and isinstance(key, Constant):
            if isinstance(key.value, int) and -len(value.items) <= key.value < len(value.items):
                return value.items[key.value]
            return self.fresh()
        return self._read(instruction.object, ITEMS, key)

    def _unpack(self, instruction: ir.Unpack) -> None:
        value = self.value(instruction.source)
        exact = (
            isinstance(value, Display)
            and len(value.items) == len(instruction.targets)
            and not instruction.starred
        )
        for index, place in enumerate(instruction.targets):
            if exact and isinstance(value, Display):
                self.places[place] = value.items[index]
            else:
                self.places[place] = self.fresh()

    def _drop(self, attribute: str) -> None:
        for key in [key for key in self.heap if key[1] == attribute]:
            del self.heap[key]


def _constant(value: object) -> Constant | None:
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return Constant(value)
    return None


def _keeps_to_itself(name: str | None) -> bool:
    """Whether a callable of the standard library runs nothing of the program."""
    root = (name or "").partition(".")[0]
    return root == "builtins" or root in sys.stdlib_module_names


def _sum(op: str, left: Term, right: Term) -> Term:
    if (
        isinstance(left, Constant)
        and isinstance(right, Constant)
        and isinstance(left.value, (int, float))
        and isinstance(right.value, (int, float))
        and op in ("+", "-", "*")
    ):
        if op == "+":
            return Constant(left.value + right.value)
        return Constant(left.value - right.value if op == "-" else left.value * right.value)
    return Sum(op, left, right)
