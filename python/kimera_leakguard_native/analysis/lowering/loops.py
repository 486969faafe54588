"""Loops: their headers, their bodies, and the ways out of them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.lowering import conditions
from kimera_leakguard_native.analysis.lowering.builder import LoopFrame
from kimera_leakguard_native.analysis.lowering.expressions import assign, lower

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.lowering.builder import Builder, LowerBody


def lower_while(b: Builder, node: ast.While, body_of: LowerBody) -> None:
    """Lower a while loop."""
    # What follows the loop gets the lower numbers: from the header on, all blocks are inside.
    orelse, after, header, body = (b.new_block() for _ in range(4))
    b.jump(header.number)
    b.enter(header)
    b.graph.loops[header.number] = cfg.Loop(header.number, _assigned(b, node))
    conditions.branch(b, node.test, body.number, orelse.number)
    _loop_body(b, node, header, body, orelse, after, body_of)


def lower_for(b: Builder, node: ast.For | ast.AsyncFor, body_of: LowerBody) -> None:
    """Lower a for loop, synchronous or not."""
    iterator = b.temporary()
    b.emit(ir.Iterate(node.lineno, iterator, lower(b, node.iter)))
    # What follows the loop gets the lower numbers: from the header on, all blocks are inside.
    orelse, after, header, body = (b.new_block() for _ in range(4))
    b.jump(header.number)
    b.enter(header)
    b.graph.loops[header.number] = cfg.Loop(header.number, _assigned(b, node))
    if isinstance(node, ast.AsyncFor):
        b.emit(ir.Await(node.lineno, b.temporary(), ir.Opaque(b.number())))
    more = ir.Unknown(b.number(), "has another item", iterator)
    conditions.end_branch(b, more, body.number, orelse.number, node.iter)
    b.enter(body)
    element = b.temporary()
    b.emit(ir.Next(node.lineno, element, iterator))
    assign(b, node.target, element, node.lineno)
    _loop_body(b, node, header, b.current, orelse, after, body_of)


def _loop_body(
    b: Builder,
    node: ast.For | ast.AsyncFor | ast.While,
    header: cfg.Block,
    body: cfg.Block,
    orelse: cfg.Block,
    after: cfg.Block,
    body_of: LowerBody,
) -> None:
    b.enter(body)
    b.frames.append(LoopFrame(after.number, header.number))
    body_of(b, node.body)
    b.jump(header.number)
    b.frames.pop()
    b.graph.loops[header.number].last = len(b.graph.blocks) - 1
    b.enter(orelse)
    body_of(b, node.orelse)
    b.jump(after.number)
    b.enter(after)


def _assigned(b: Builder, node: ast.stmt) -> frozenset[str]:
    names = set()
    for item in ast.walk(node):
        if isinstance(item, ast.Name) and not isinstance(item.ctx, ast.Load):
            place = b.target(item.id)
            if place is not None:
                names.add(place)
    return frozenset(names)


def lower_break(b: Builder, node: ast.Break) -> None:  # noqa: ARG001
    """Leave the innermost loop."""
    loop = b.innermost_loop()
    if loop is not None:
        b.leave(("break", loop))


def lower_continue(b: Builder, node: ast.Continue) -> None:  # noqa: ARG001
    """Go on with the innermost loop."""
    loop = b.innermost_loop()
    if loop is not None:
        b.leave(("continue", loop))
