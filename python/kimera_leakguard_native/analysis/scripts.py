"""What a module does as a script: under ``if __name__ == "__main__":``."""

from __future__ import annotations

import ast


def started_by_script(tree: ast.Module) -> frozenset[str]:
    """Name the functions that are called there."""
    return frozenset(
        node.func.id
        for block in _blocks(tree)
        for inner in block.body
        for node in ast.walk(inner)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )


def last_lines(tree: ast.Module) -> frozenset[int]:
    """Give the lines outside of functions after which the program ends, or what it keeps till then.

    A variable that the last block of a script assigns lives as long as the program.
    """
    if not tree.body or tree.body[-1] not in (blocks := _blocks(tree)):
        return frozenset()
    lines: set[int] = set()
    pending: list[ast.stmt] = [tree.body[-1]]
    pending += [item for item in blocks[-1].body if isinstance(item, ast.Assign)]
    while pending:
        statement = pending.pop()
        if isinstance(statement, ast.If):
            pending += [body[-1] for body in (statement.body, statement.orelse) if body]
        elif isinstance(statement, ast.With):
            pending.append(statement.body[-1])
        elif isinstance(statement, (ast.Expr, ast.Assign)):
            lines.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    return frozenset(lines)


def _blocks(tree: ast.Module) -> list[ast.If]:
    return [
        statement
        for statement in tree.body
        if isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Compare)
        and isinstance(statement.test.left, ast.Name)
        and statement.test.left.id == "__name__"
    ]
