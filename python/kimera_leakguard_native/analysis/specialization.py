"""A function as one call sees it: with the constants that the call passes for its parameters.

What a function does often hangs on a flag (``read(file, close=True)``). A summary is therefore
made for each set of constants that the tests of the function ask for: branches that these decide
are cut.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.analysis import cfg, ir

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPES = {
    "builtins.str": str, "builtins.bytes": bytes, "builtins.int": int, "builtins.bool": bool,
    "builtins.float": float,
}  # fmt: skip
_PASSED_ON = (bool, type(None))


class Constant(NamedTuple):
    """A parameter with its value; the type keeps ``True`` and ``1`` apart."""

    parameter: str
    value: bool | int | str | bytes | float | None
    type: str


Constants = tuple[Constant, ...]


def constant(parameter: str, value: object) -> Constant | None:
    """Describe an argument, None if it is of no type that tests compare."""
    if value is None or isinstance(value, (bool, int, str, bytes, float)):
        return Constant(parameter, value, type(value).__name__)
    return None


class Guards:
    """The parameters of a function whose value decides something.

    Attributes
    ----------
    tested : frozenset of str
        Those in tests of the function itself.
    passed : frozenset of str
        Those that are passed on in calls.
    """

    def __init__(self, graph: cfg.Graph) -> None:
        fixed = set(graph.parameters) - graph.cells
        self.tested = frozenset(
            name
            for block in graph.blocks
            if isinstance(block.terminator, cfg.Branch)
            for name in _operands(block.terminator.condition)
            if name in fixed
        )
        self.passed = frozenset(
            operand
            for block in graph.blocks
            for item in block.instructions
            if isinstance(item, ir.Call)
            for operand in item.operands()
            if isinstance(operand, str) and operand in fixed
        )

    def relevant(self, item: Constant) -> bool:
        """Whether a summary made for this value may differ from the general one."""
        if item.parameter in self.tested:
            return True
        return item.parameter in self.passed and isinstance(item.value, _PASSED_ON)


def specialize(graph: cfg.Graph, constants: Constants) -> cfg.Graph:
    """Cut the branches that constants decide, and pass the constants on in calls."""
    if not constants:
        return graph
    given = {item.parameter: item.value for item in constants}
    overwritten = _overwritten(graph, frozenset(given))
    blocks = []
    for block in graph.blocks:
        gone = overwritten.get(block.number, frozenset())
        values = {name: value for name, value in given.items() if name not in gone}
        end = block.terminator
        if isinstance(end, cfg.Branch):
            decided = _decide(end.condition, values)
            if decided is not None:
                end = cfg.Jump(end.when_true if decided else end.when_false)
        instructions = [
            _with_values(item, values) if isinstance(item, ir.Call) else item
            for item in block.instructions
        ]
        blocks.append(cfg.Block(block.number, block.on_raise, instructions, end))
    return dataclasses.replace(graph, blocks=blocks)


def _with_values(call: ir.Call, values: Mapping[str, object]) -> ir.Call:
    if not any(isinstance(item, str) and item in values for item in call.operands()):
        return call

    def value(operand: ir.Operand) -> ir.Operand:
        if isinstance(operand, str) and operand in values:
            return ir.Literal(values[operand])
        return operand

    return dataclasses.replace(
        call,
        arguments=tuple(value(item) for item in call.arguments),
        keywords=tuple((name, value(item)) for name, item in call.keywords),
    )


def _decide(condition: ir.Condition, values: Mapping[str, object]) -> bool | None:
    if isinstance(condition, ir.Not):
        inner = _decide(condition.inner, values)
        return None if inner is None else not inner
    if isinstance(condition, ir.Truth):
        known, value = _value(condition.operand, values)
        return bool(value) if known else None
    if isinstance(condition, ir.IsInstance):
        known, value = _value(condition.operand, values)
        if not known or not all(name in _TYPES for name in condition.types):
            return False if known and value is None else None
        return isinstance(value, tuple(_TYPES[name] for name in condition.types))
    if isinstance(condition, ir.Compare):
        return _compare(condition, values)
    return None


def _compare(condition: ir.Compare, values: Mapping[str, object]) -> bool | None:
    left_known, left = _value(condition.left, values)
    right_known, right = _value(condition.right, values)
    if not (left_known and right_known):
        return None
    if condition.op in ("is", "is not"):
        if isinstance(left, (bool, type(None))) or isinstance(right, (bool, type(None))):
            return (left is right) == (condition.op == "is")
        return None
    if condition.op in ("==", "!="):
        return (left == right) == (condition.op == "==")
    return None


def _value(operand: ir.Operand, values: Mapping[str, object]) -> tuple[bool, object]:
    if isinstance(operand, ir.Literal):
        return True, operand.value
    if isinstance(operand, str) and operand in values:
        return True, values[operand]
    return False, None


def _operands(condition: ir.Condition) -> list[str]:
    if isinstance(condition, ir.Not):
        return _operands(condition.inner)
    if isinstance(condition, (ir.Truth, ir.IsInstance)):
        found: list[ir.Operand] = [condition.operand]
    elif isinstance(condition, ir.Compare):
        found = [condition.left, condition.right]
    else:
        found = []
    return [item for item in found if isinstance(item, str)]


def _overwritten(graph: cfg.Graph, parameters: frozenset[str]) -> dict[int, frozenset[str]]:
    """Give the parameters that may hold another value somewhere in a block, or at its end."""
    found: dict[int, set[str]] = {}
    pending: list[tuple[int, str]] = []
    for block in graph.blocks:
        for name in _written(block) & parameters:
            found.setdefault(block.number, set()).add(name)
            pending.append((block.number, name))
    while pending:
        number, name = pending.pop()
        following = [*graph.successors(number), graph.blocks[number].on_raise]
        for other in following:
            names = found.setdefault(other, set())
            if name not in names:
                names.add(name)
                pending.append((other, name))
    return {number: frozenset(names) for number, names in found.items()}


def _written(block: cfg.Block) -> set[str]:
    written: set[str] = set()
    for item in block.instructions:
        if isinstance(item, ir.Unpack):
            written.update(item.targets)
        elif isinstance(item, ir.Delete):
            written.add(item.name)
        else:
            target = getattr(item, "target", None)
            if target is not None:
                written.add(target)
    return written
