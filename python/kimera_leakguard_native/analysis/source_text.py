"""Short source texts of expressions, for messages."""

from __future__ import annotations

import ast


def text_of(node: ast.AST, limit: int = 60) -> str:
    """Give a short source text of an expression for messages."""
    if sum(1 for _ in zip(range(limit), ast.walk(node), strict=False)) >= limit:
        return "…"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
