"""Work in the background: a task, a timer, a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.ownership import ALIAS

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.ownership import State

_RUNS = frozenset({"run_forever", "run_until_complete", "run_until_disconnected", "serve_forever"})
"""Methods that come back when the program ends, or when what it waits for is done."""


def outlived(instruction: ir.Instruction, state: State) -> bool:
    """Whether work in the background goes on while a variable of the function keeps it."""
    if isinstance(instruction, (ir.Await, ir.Yield)):
        waits = True
        if state.role(instruction.source) == ALIAS:
            return True
    else:
        waits = isinstance(instruction, ir.Call) and instruction.method in _RUNS
    return waits and any(role == ALIAS and not place.startswith("%") for place, role in state.roles)
