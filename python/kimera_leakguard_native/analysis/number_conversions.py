"""Conversions of what is a number already: they do not fail as those of texts do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONVERTING = frozenset({"builtins.int", "builtins.float"})
_OF_NUMBERS = frozenset({"-", "*", "/", "//", "**"})


def converts_number(instructions: Sequence[ir.Instruction], index: int) -> bool:
    """Whether an instruction of a block is ``int(...)`` or ``float(...)`` of some arithmetic."""
    call = instructions[index]
    if not isinstance(call, ir.Call) or call.name not in _CONVERTING or len(call.arguments) != 1:
        return False
    for item in reversed(instructions[:index]):
        if getattr(item, "target", None) == call.arguments[0]:
            return (
                isinstance(item, ir.Compute)
                and isinstance(item.expression, ir.Arithmetic)
                and item.expression.op in _OF_NUMBERS
            )
    return False
