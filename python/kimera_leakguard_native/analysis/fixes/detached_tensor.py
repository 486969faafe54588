"""A tensor that outlives its pass is cut off from the graph that computed it."""

from __future__ import annotations

import ast
from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.proposal import Proposal
from kimera_leakguard_native.analysis.fixes.splice import Splice

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.spot import Spot

_ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)


def propose(spot: Spot) -> Iterator[Proposal]:
    """Give the edits: what is added or collected is detached, and stays a tensor."""
    if not spot.levels:
        return
    document = spot.document
    for value in _kept(spot.levels[0].statement):
        start, end = document.start(value), document.end(value)
        splices: tuple[Splice, ...]
        if isinstance(value, _ATOMS):
            splices = (Splice(end, end, ".detach()"),)
        else:
            splices = (Splice(start, start, "("), Splice(end, end, ").detach()"))
        yield Proposal("detach it from the graph", splices)


def _kept(node: ast.stmt) -> Iterator[ast.expr]:
    """Give the expressions whose value stays: a summand, or what is put into a container."""
    if isinstance(node, ast.AugAssign):
        yield node.value
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
        target = ast.unparse(node.targets[0])
        for side in (node.value.right, node.value.left):
            if ast.unparse(side) != target:
                yield side
    elif isinstance(node, ast.Assign):
        yield node.value
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and node.value.args:
        yield node.value.args[-1]
