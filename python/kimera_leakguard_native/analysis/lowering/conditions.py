"""Tests: and, or and not become control flow, what is left is atomic."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.lowering import expressions

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.lowering.builder import Builder

_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}


def branch(b: Builder, test: ast.expr, when_true: int, when_false: int) -> None:
    """End the current block by deciding a test."""
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, when_true, when_false = test.operand, when_false, when_true
    if isinstance(test, ast.BoolOp):
        for value in test.values[:-1]:
            more = b.new_block()
            if isinstance(test.op, ast.And):
                branch(b, value, more.number, when_false)
            else:
                branch(b, value, when_true, more.number)
            b.enter(more)
        branch(b, test.values[-1], when_true, when_false)
        return
    if isinstance(test, ast.Compare) and len(test.ops) > 1:
        _chain(b, test, when_true, when_false)
        return
    constant = _constant(test)
    if constant is not None:
        b.jump(when_true if constant else when_false)
        return
    condition = simple(b, test)
    if condition is None:
        condition = ir.Truth(expressions.lower(b, test))
    end_branch(b, condition, when_true, when_false, test)


def _chain(b: Builder, node: ast.Compare, when_true: int, when_false: int) -> None:
    left = expressions.lower(b, node.left)
    for position, (operator, item) in enumerate(zip(node.ops, node.comparators, strict=True)):
        right = expressions.lower(b, item)
        condition = ir.Compare(_OPERATORS[type(operator)], left, right)
        if position == len(node.ops) - 1:
            end_branch(b, condition, when_true, when_false, node)
            return
        more = b.new_block()
        end_branch(b, condition, more.number, when_false, node)
        b.enter(more)
        left = right


def end_branch(
    b: Builder, condition: ir.Condition, when_true: int, when_false: int, node: ast.expr
) -> None:
    """End the current block by an atomic condition."""
    b.end(cfg.Branch(condition, when_true, when_false, node))


def simple(b: Builder, node: ast.expr) -> ir.Condition | None:
    """Lower a test that is one comparison or one isinstance, possibly negated."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        if isinstance(node.operand, ast.BoolOp):
            return None
        inner = simple(b, node.operand)
        return ir.Not(inner if inner is not None else ir.Truth(expressions.lower(b, node.operand)))
    if isinstance(node, ast.Compare):
        if len(node.ops) > 1:
            return None
        left = expressions.lower(b, node.left)
        operator = _OPERATORS[type(node.ops[0])]
        return ir.Compare(operator, left, expressions.lower(b, node.comparators[0]))
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "isinstance"
        and len(node.args) == 2
        and not node.keywords
    ):
        types = _types(b, node.args[1])
        if types is not None:
            return ir.IsInstance(expressions.lower(b, node.args[0]), types)
    return None


def _types(b: Builder, node: ast.expr) -> tuple[str, ...] | None:
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    names = []
    for item in items:
        value = expressions.lower(b, item)
        if not isinstance(value, ir.Global):
            return None
        names.append(value.name)
    return tuple(names)


def _constant(node: ast.expr) -> bool | None:
    if isinstance(node, ast.Constant):
        return bool(node.value)
    if isinstance(node, ast.Name) and node.id == "TYPE_CHECKING":
        return False
    return None
