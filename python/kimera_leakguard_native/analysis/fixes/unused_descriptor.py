"""``_, path = tempfile.mkstemp()``: the descriptor gets a name and is closed at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes import imports
from kimera_leakguard_native.analysis.fixes.extent import mentions
from kimera_leakguard_native.analysis.fixes.moved_block import end_of, lines_of, missing_newline
from kimera_leakguard_native.analysis.fixes.proposal import Proposal
from kimera_leakguard_native.analysis.fixes.splice import Splice

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.spot import Spot

_MAKES_PATH = "mkstemp"


def propose(spot: Spot) -> Iterator[Proposal]:
    """Give the edits for a descriptor that comes with a path and is never used."""
    if not isinstance(spot.node, ast.Call) or not spot.levels:
        return
    if ast.unparse(spot.node.func).rpartition(".")[2] != _MAKES_PATH:
        return
    found = imports.module(spot, "os")
    node = spot.levels[0].statement
    if found is None or not spot.document.stands_alone(node):
        return
    alias, needed = found
    if isinstance(spot.parents[0], ast.Subscript):
        yield from _by_position(spot, node, alias, needed)
    elif isinstance(node, ast.Assign) and node.value is spot.node:
        yield from _unpacked(spot, node, alias, needed)


def _by_position(
    spot: Spot, node: ast.stmt, alias: str, needed: tuple[Splice, ...]
) -> Iterator[Proposal]:
    """Unpack ``tempfile.mkstemp()[1]`` in front of a simple statement."""
    subscript = spot.parents[0]
    if not isinstance(node, (ast.Assign, ast.Return, ast.Expr)):
        return
    if not isinstance(subscript, ast.Subscript) or ast.unparse(subscript.slice) != "1":
        return
    if any(
        isinstance(item, (ast.IfExp, ast.BoolOp, ast.Lambda, ast.ListComp)) for item in spot.parents
    ):
        return
    document = spot.document
    number, path = spot.fresh("descriptor"), spot.fresh("path", "temporary_path")
    prefix = document.indentation(node)
    first = document.line_start(node.lineno)
    yield Proposal(
        "close the descriptor at once",
        (
            *needed,
            Splice(
                first,
                first,
                lines_of(
                    document,
                    f"{prefix}{number}, {path} = {document.source(spot.node)}",
                    f"{prefix}{alias}.close({number})",
                ),
            ),
            Splice(document.start(subscript), document.end(subscript), path),
        ),
    )


def _unpacked(
    spot: Spot, node: ast.Assign, alias: str, needed: tuple[Splice, ...]
) -> Iterator[Proposal]:
    """Close a number that nothing uses: ``number, path = tempfile.mkstemp()``."""
    target = node.targets[0]
    if not isinstance(target, (ast.Tuple, ast.List)) or len(target.elts) != 2:
        return
    first = target.elts[0]
    if not isinstance(first, ast.Name):
        return
    document = spot.document
    prefix, end = document.indentation(node), end_of(document, node)
    name = first.id
    used = any(mentions(item, [name]) for item in spot.levels[0].following)
    rename: tuple[Splice, ...] = ()
    if name == "_":
        name = spot.fresh("descriptor")
        rename = (Splice(document.start(first), document.end(first), name),)
    elif used:
        return
    line = missing_newline(document, node) + lines_of(document, f"{prefix}{alias}.close({name})")
    yield Proposal("close the descriptor at once", (*needed, *rename, Splice(end, end, line)))
