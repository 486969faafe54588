"""Patterns of match statements: which of them are tests, and what they bind."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.lowering.expressions import lower

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.lowering.builder import Builder


def branch(b: Builder, subject: str, pattern: ast.pattern, when_true: int, when_false: int) -> None:
    """End the current block by deciding whether the subject matches."""
    if isinstance(pattern, ast.MatchAs):
        if pattern.pattern is None:
            b.jump(when_true)
        else:
            branch(b, subject, pattern.pattern, when_true, when_false)
        return
    if isinstance(pattern, ast.MatchOr):
        for alternative in pattern.patterns[:-1]:
            more = b.new_block()
            branch(b, subject, alternative, when_true, more.number)
            b.enter(more)
        branch(b, subject, pattern.patterns[-1], when_true, when_false)
        return
    condition: ir.Condition
    if isinstance(pattern, ast.MatchValue):
        condition = ir.Compare("==", subject, lower(b, pattern.value))
    elif isinstance(pattern, ast.MatchSingleton):
        condition = ir.Compare("is", subject, ir.Literal(pattern.value))
    elif isinstance(pattern, ast.MatchClass) and not (pattern.patterns or pattern.kwd_patterns):
        name = b.module.qualify(b.scope, pattern.cls)
        condition = ir.IsInstance(subject, (name,)) if name else ir.Unknown(b.number(), "matches")
    else:
        condition = ir.Unknown(b.number(), "matches")
    b.end(cfg.Branch(condition, when_true, when_false, pattern, "case "))


def bind(b: Builder, subject: str, pattern: ast.pattern) -> None:
    """Assign the names of a pattern; parts of the subject are values of their own."""
    if isinstance(pattern, ast.MatchAs) and pattern.name is not None:
        b.emit(ir.Assign(pattern.lineno, pattern.name, subject))
        return
    for item in ast.walk(pattern):
        name = getattr(item, "name", None) or getattr(item, "rest", None)
        if name is not None:
            b.emit(ir.GetItem(pattern.lineno, name, subject, ir.Opaque(b.number())))
