"""Try and with: handlers, and cleanup code copied for each way of leaving it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.lowering.builder import CleanupFrame
from kimera_leakguard_native.analysis.lowering.expressions import assign, lower

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.lowering.builder import Builder, LowerBody

_SWALLOWING = frozenset({"contextlib.suppress", "pytest.raises", "unittest.TestCase.assertRaises"})


def lower_try(b: Builder, node: ast.Try, body_of: LowerBody) -> None:
    """Lower a try statement."""
    outer = b.on_raise
    frame: CleanupFrame | None = None
    inner = outer
    if node.finalbody:
        frame = CleanupFrame(lambda: body_of(b, node.finalbody), outer)
        inner = b.raising_cleanup(frame)
        b.frames.append(frame)
    join = b.new_block()
    handlers: list[cfg.Handler] = []
    if node.handlers:
        b.on_raise = inner
        blocks = [b.new_block() for _ in node.handlers]
        dispatch = b.new_block()
        for clause, block in zip(node.handlers, blocks, strict=True):
            handlers.append(cfg.Handler(_caught_types(b, clause.type), block.number, clause.lineno))
        dispatch.terminator = cfg.Dispatch(
            handlers, inner, node.body[0].lineno, node.body[-1].end_lineno or node.body[-1].lineno
        )
        b.guard(dispatch.number)
    else:
        b.guard(inner)
    body_of(b, node.body)
    b.guard(inner)
    body_of(b, node.orelse)
    b.jump(join.number)
    if node.handlers:
        for clause, block in zip(node.handlers, blocks, strict=True):
            b.enter(block)
            if clause.name:
                b.emit(ir.Assign(clause.lineno, clause.name, ir.Opaque(b.number())))
            b.handler_names.append(clause.name or "")
            body_of(b, clause.body)
            b.handler_names.pop()
            b.emit(ir.EndHandler(clause.lineno))
            b.jump(join.number)
    b.on_raise = outer
    join.on_raise = outer
    if frame is not None:
        b.frames.pop()
    b.enter(join)
    if frame is not None and join.number in b.entered:
        body_of(b, node.finalbody)


def _caught_types(b: Builder, node: ast.expr | None) -> tuple[str | None, ...] | None:
    if node is None:
        return None
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    return tuple(b.module.qualify(b.scope, item) for item in items)


def lower_with(b: Builder, node: ast.With | ast.AsyncWith, body_of: LowerBody) -> None:
    """Lower a with statement, synchronous or not."""
    _with_items(b, node, 0, body_of)


def _with_items(b: Builder, node: ast.With | ast.AsyncWith, index: int, body_of: LowerBody) -> None:
    if index == len(node.items):
        body_of(b, node.body)
        return
    item = node.items[index]
    line = item.context_expr.lineno
    waits = isinstance(node, ast.AsyncWith)
    manager = b.temporary()
    value = lower(b, item.context_expr)
    if isinstance(item.context_expr, ast.Call) and b.current.instructions:
        acquiring = b.current.instructions[-1]
        if isinstance(acquiring, ir.Call):
            acquiring.managed = True
    b.emit(ir.Assign(line, manager, value))
    entered = b.temporary()
    b.emit(ir.Enter(line, entered, manager))
    if waits:
        b.emit(ir.Await(line, b.temporary(), manager))
    outer = b.on_raise
    swallows = (
        isinstance(item.context_expr, ast.Call)
        and b.module.qualify(b.scope, item.context_expr.func) in _SWALLOWING
    )
    join = b.new_block()

    def leave() -> None:
        b.emit(ir.Exit(line, manager))
        if waits:
            b.emit(ir.Await(line, b.temporary(), ir.Literal(None)))

    frame = CleanupFrame(leave, outer)
    inner = b.raising_cleanup(frame)
    if swallows:
        call = item.context_expr
        types = [b.module.qualify(b.scope, arg) for arg in getattr(call, "args", [])]
        handler = b.new_block()
        handler.on_raise = outer
        handler.instructions.append(ir.EndHandler(line))
        handler.terminator = cfg.Jump(join.number)
        b.entered.add(join.number)
        dispatch = b.new_block()
        body = node.body
        dispatch.terminator = cfg.Dispatch(
            [cfg.Handler(tuple(types), handler.number, line)],
            inner,
            body[0].lineno,
            body[-1].end_lineno or body[-1].lineno,
        )
        inner = dispatch.number
    b.frames.append(frame)
    b.guard(inner)
    if item.optional_vars is not None:
        assign(b, item.optional_vars, entered, line)
    _with_items(b, node, index + 1, body_of)
    b.frames.pop()
    b.guard(outer)
    if b.reachable:
        leave()
        b.jump(join.number)
    b.enter(join)
    if join.number not in b.entered:
        b.reachable = False
