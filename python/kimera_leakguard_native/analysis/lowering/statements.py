"""Statements: control flow, with cleanup code copied for each way of leaving it."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.lowering import conditions, patterns
from kimera_leakguard_native.analysis.lowering.builder import RETURN
from kimera_leakguard_native.analysis.lowering.captures import bound_in, captured_names
from kimera_leakguard_native.analysis.lowering.cleanup import lower_try, lower_with
from kimera_leakguard_native.analysis.lowering.expressions import CLASS_BODY, assign, lower
from kimera_leakguard_native.analysis.lowering.loops import (
    lower_break,
    lower_continue,
    lower_for,
    lower_while,
)
from kimera_leakguard_native.analysis.names import evaluated_here

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kimera_leakguard_native.analysis.lowering.builder import Builder


def lower_body(b: Builder, body: Sequence[ast.stmt]) -> None:
    """Lower statements one after another; code that cannot be reached is left out."""
    for statement in body:
        if not b.reachable:
            return
        _lower(b, statement)


def _lower(b: Builder, node: ast.stmt) -> None:
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        handler(b, node)


def _expression(b: Builder, node: ast.Expr) -> None:
    lower(b, node.value)


def _assign(b: Builder, node: ast.Assign) -> None:
    for target in node.targets:
        if _assign_pairwise(b, target, node.value, node.lineno) and len(node.targets) == 1:
            return
    value = lower(b, node.value)
    for target in node.targets:
        assign(b, target, value, node.lineno)


def _assign_pairwise(b: Builder, target: ast.expr, value: ast.expr, line: int) -> bool:
    """Lower ``a, b = x, y`` without a tuple between."""
    if not (isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List))):
        return False
    items = [*target.elts, *value.elts]
    if len(target.elts) != len(value.elts) or any(isinstance(i, ast.Starred) for i in items):
        return False
    parts: list[str] = []
    for item in value.elts:
        part = b.temporary()
        b.emit(ir.Assign(line, part, lower(b, item)))
        parts.append(part)
    for item, part in zip(target.elts, parts, strict=True):
        assign(b, item, part, line)
    return True


def _annotated(b: Builder, node: ast.AnnAssign) -> None:
    if node.value is not None:
        assign(b, node.target, lower(b, node.value), node.lineno)


def _augmented(b: Builder, node: ast.AugAssign) -> None:
    read = ast.copy_location(_as_load(node.target), node.target)
    combined = ast.copy_location(ast.BinOp(left=read, op=node.op, right=node.value), node)
    assign(b, node.target, lower(b, combined), node.lineno)


def _as_load(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Name):
        return ast.Name(id=node.id, ctx=ast.Load())
    if isinstance(node, ast.Attribute):
        return ast.Attribute(value=node.value, attr=node.attr, ctx=ast.Load())
    if isinstance(node, ast.Subscript):
        return ast.Subscript(value=node.value, slice=node.slice, ctx=ast.Load())
    return node


def _return(b: Builder, node: ast.Return) -> None:
    value = ir.Literal(None) if node.value is None else lower(b, node.value)
    b.emit(ir.Return(node.lineno, value))
    b.leave(RETURN)


def _raise(b: Builder, node: ast.Raise) -> None:
    if node.exc is None:
        b.emit(ir.Raise(node.lineno, None, again=True))
        b.end(cfg.Stop())
        return
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    name = b.module.qualify(b.scope, raised)
    again = isinstance(node.exc, ast.Name) and node.exc.id in b.handler_names
    value = lower(b, node.exc)
    b.emit(ir.Raise(node.lineno, name, again=again, source=value))
    b.end(cfg.Stop())


def _assert(b: Builder, node: ast.Assert) -> None:
    passed, failed = b.new_block(), b.new_block()
    conditions.branch(b, node.test, passed.number, failed.number)
    b.enter(failed)
    if node.msg is not None:
        lower(b, node.msg)
    b.emit(ir.Raise(node.lineno, "builtins.AssertionError", assertion=True))
    b.end(cfg.Stop())
    b.enter(passed)


def _delete(b: Builder, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            place = b.target(target.id)
            if place is not None:
                b.emit(ir.Delete(node.lineno, place))
        elif isinstance(target, ast.Attribute):
            lower(b, target.value)
        elif isinstance(target, ast.Subscript):
            lower(b, target.value)
            lower(b, target.slice)


def _function(b: Builder, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    kept = tuple(value for item in evaluated_here(node) if isinstance(value := lower(b, item), str))
    names = kept if b.scope.is_module else (*captured_names(b, node), *kept)
    rebound = not b.scope.is_module and node.name in b.scope.stored_names
    if names or rebound:
        made = b.temporary()
        b.emit(ir.MakeClosure(node.lineno, made, names, node))
        if rebound:
            assign(b, ast.Name(node.name, ast.Store()), made, node.lineno)


def _class(b: Builder, node: ast.ClassDef) -> None:
    for item in (*node.decorator_list, *node.bases, *(one.value for one in node.keywords)):
        lower(b, item)
    if not b.scope.is_module:
        names = captured_names(b, node)
        if names:
            b.emit(ir.MakeClosure(node.lineno, b.temporary(), names, node))
    # Names that the body binds are attributes of the class: they hide those of the frame.
    b.renamed.append({name: f"{CLASS_BODY}{name}" for name in sorted(bound_in(node.body))})
    lower_body(b, node.body)
    b.renamed.pop()


def _if(b: Builder, node: ast.If) -> None:
    join = b.new_block()
    current: ast.If | None = node
    while current is not None:
        yes, no = b.new_block(), b.new_block()
        conditions.branch(b, current.test, yes.number, no.number)
        b.enter(yes)
        lower_body(b, current.body)
        b.jump(join.number)
        b.enter(no)
        rest = current.orelse
        # A chain of elif is a loop here: a thousand of them must not nest a thousand calls.
        current = rest[0] if len(rest) == 1 and isinstance(rest[0], ast.If) else None
        if current is None:
            lower_body(b, rest)
            b.jump(join.number)
    b.enter(join)


def _match(b: Builder, node: ast.Match) -> None:
    subject = b.temporary()
    b.emit(ir.Assign(node.lineno, subject, lower(b, node.subject)))
    join = b.new_block()
    for case in node.cases:
        yes, no = b.new_block(), b.new_block()
        patterns.branch(b, subject, case.pattern, yes.number, no.number)
        b.enter(yes)
        patterns.bind(b, subject, case.pattern)
        if case.guard is not None:
            body = b.new_block()
            conditions.branch(b, case.guard, body.number, no.number)
            b.enter(body)
        lower_body(b, case.body)
        b.jump(join.number)
        b.enter(no)
    b.jump(join.number)
    b.enter(join)


_HANDLERS: dict[type[ast.stmt], Callable[[Builder, Any], None]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.Delete: _delete,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.If: _if,
    ast.While: lambda b, node: lower_while(b, node, lower_body),
    ast.For: lambda b, node: lower_for(b, node, lower_body),
    ast.AsyncFor: lambda b, node: lower_for(b, node, lower_body),
    ast.Break: lower_break,
    ast.Continue: lower_continue,
    ast.With: lambda b, node: lower_with(b, node, lower_body),
    ast.AsyncWith: lambda b, node: lower_with(b, node, lower_body),
    ast.Match: _match,
    ast.Try: lambda b, node: lower_try(b, node, lower_body),
}
if sys.version_info >= (3, 11):
    _HANDLERS[ast.TryStar] = _HANDLERS[ast.Try]
