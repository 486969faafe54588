"""Tests whose outcome is certain while a resource is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.ownership import (
    ALIAS,
    FALSE,
    State,
    is_held,
    is_iterator,
    is_using,
)

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.resources.catalog import Resource


def decide(condition: ir.Condition, state: State, resource: Resource) -> bool | None:
    """Give the outcome of a test that is certain while the resource is open, else None."""
    if isinstance(condition, ir.Not):
        inner = decide(condition.inner, state, resource)
        return None if inner is None else not inner
    if isinstance(condition, ir.Unknown):
        more = condition.iterator is not None and is_iterator(state.role(condition.iterator))
        return True if more else None
    if isinstance(condition, ir.Truth):
        role = state.role(condition.operand)
        # What uses the resource may be anything: an attribute of it, a value that it gave.
        return None if role is None or is_using(role) else role != FALSE
    if isinstance(condition, ir.Compare):
        return _compare(condition, state, resource)
    if (
        isinstance(condition, ir.IsInstance)
        and state.role(condition.operand) == ALIAS
        and resource.collected
        and set(condition.types) <= _PATH_TYPES
    ):
        return False
    return None


def decide_after(block: cfg.Block, state: State, resource: Resource) -> bool | None:
    """Give the outcome of the test at the end of a block, if that is certain there."""
    end = block.terminator
    if not isinstance(end, cfg.Branch):
        return None
    condition, positive = end.condition, True
    while isinstance(condition, ir.Not):
        condition, positive = condition.inner, not positive
    read: ir.Operand | None = None
    if isinstance(condition, ir.Truth):
        read = condition.operand
    elif isinstance(condition, ir.Compare) and condition.right == ir.Literal(None):
        read = condition.left
        positive = positive == (condition.op in ("is not", "!="))
    if resource.present and read is not None:
        made = [item for item in block.instructions if getattr(item, "target", None) == read]
        if made and isinstance(made[-1], ir.GetAttribute):
            attribute = made[-1].attribute in resource.present
            if attribute and state.role(made[-1].object) == ALIAS:
                return positive
    return decide(end.condition, state, resource)


_PATH_TYPES = frozenset(
    {"builtins.str", "builtins.bytes", "builtins.int", "os.PathLike", "pathlib.Path",
     "pathlib.PurePath", "builtins.list", "builtins.dict", "builtins.tuple"}
)  # fmt: skip


def _compare(condition: ir.Compare, state: State, resource: Resource) -> bool | None:
    left, right = state.role(condition.left), state.role(condition.right)
    other = condition.right if left is not None else condition.left
    role = left if left is not None else right
    if is_using(role) or not is_held(role) or condition.op in ("in", "not in"):
        return None
    if condition.op in ("is", "==", "is not", "!="):
        positive = condition.op in ("is", "==")
        if left is not None and right is not None:
            return positive if left == right == ALIAS else None
        if role == ALIAS and not resource.collected and not _cannot_be_descriptor(other):
            return None
        return not positive
    if role == ALIAS and not resource.collected and _is_standard_stream(other):
        # Numbers up to 2 are the standard streams, which nobody has to close.
        return {">": left is not None, "<=": left is None, "<": left is None}.get(condition.op)
    if role == ALIAS and isinstance(other, ir.Literal) and isinstance(other.value, int):
        bound, at_left = other.value, left is not None
        if bound <= 0 and condition.op == (">=" if at_left else "<="):
            return True
        if bound < 0 and condition.op == (">" if at_left else "<"):
            return True
        if bound <= 0 and condition.op == ("<" if at_left else ">"):
            return False
        if bound < 0 and condition.op == ("<=" if at_left else ">="):
            return False
    return None


def _is_standard_stream(other: ir.Operand) -> bool:
    if isinstance(other, ir.Literal):
        return other.value in (1, 2) and not isinstance(other.value, bool)
    return isinstance(other, ir.Global) and other.name.endswith("_FILENO")


def _cannot_be_descriptor(other: ir.Operand) -> bool:
    if not isinstance(other, ir.Literal):
        return False
    return not isinstance(other.value, int) or isinstance(other.value, bool) or other.value < 0
