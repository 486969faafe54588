"""Code behind a constant of its module that is false: it waits for somebody to edit that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.symbolic.surroundings import constants_of

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.names import ModuleScopes


def blocks_switched_off(graph: cfg.Graph, module: ModuleScopes) -> frozenset[int]:
    """Give the blocks that no path reaches while the constants of the module are what they are."""
    switches = {
        block.number: switch
        for block in graph.blocks
        if isinstance(block.terminator, cfg.Branch)
        and (switch := _switch(block.terminator.condition, module.name)) is not None
    }
    if not switches:
        return frozenset()
    constants = constants_of(module)
    reached = {cfg.ENTRY}
    pending = [cfg.ENTRY]
    while pending:
        number = pending.pop()
        block = graph.blocks[number]
        following = [*graph.successors(number), block.on_raise]
        name, positive = switches.get(number, ("", True))
        if name in constants and isinstance(block.terminator, cfg.Branch):
            taken = bool(constants[name]) is positive
            end = block.terminator
            following = [end.when_true if taken else end.when_false]
        fresh = [one for one in following if one not in reached]
        reached.update(fresh)
        pending.extend(fresh)
    return frozenset(block.number for block in graph.blocks if block.number not in reached)


def _switch(condition: ir.Condition, module: str) -> tuple[str, bool] | None:
    positive = True
    while isinstance(condition, ir.Not):
        condition, positive = condition.inner, not positive
    if not isinstance(condition, ir.Truth) or not isinstance(condition.operand, ir.Global):
        return None
    owner, _, name = condition.operand.name.rpartition(".")
    return (name, positive) if owner == module and name.isupper() else None
