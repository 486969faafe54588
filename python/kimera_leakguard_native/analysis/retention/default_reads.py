"""Look-ups in a `defaultdict` that insert what was only asked for."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention import growth
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import (
        ClassOutline,
        Definition,
        Outline,
    )

CODE = "KLG207"

_MADE = re.compile(rb"(?:self\.)?\w+(?:\[[^\]\n]*\])?(?:: ?[^=\n]+)? = [^\n]*defaultdict\(")
_READS = frozenset(
    {"items", "keys", "values", "get", "copy", "count", "index", "union", "intersection"}
    | {"difference", "issubset", "issuperset", "isdisjoint", "most_common", "startswith"}
)
_READERS = frozenset(
    {
        "len",
        "list",
        "sorted",
        "tuple",
        "set",
        "frozenset",
        "any",
        "all",
        "sum",
        "max",
        "min",
        "iter",
    }
    | {"dict", "enumerate", "reversed", "map", "filter", "zip", "bool", "join", "str", "repr"}
)


@dataclass(frozen=True, slots=True)
class _Table:
    """A defaultdict, or what holds some, with how many subscripts lie before its own keys."""

    place: str
    owner: ClassOutline | None
    line: int
    depth: int


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the tables of the module and of instances."""
    data = outline.source.data
    if b"defaultdict(" not in data:
        return
    for table in dict.fromkeys(_tables(outline)):
        yield from _look_ups(outline, table)


def _tables(outline: Outline) -> Iterator[_Table]:
    for statement in outline.statements:
        yield from _made_by(statement, None, None)
    for match in _MADE.finditer(outline.source.data):
        function = outline.function_at(outline.line_of(match.start()))
        if function is None or function.owner is None or function.self_name is None:
            continue
        for node in (*function.body.every(ast.Assign), *function.body.every(ast.AnnAssign)):
            yield from _made_by(node, function.owner, function.self_name)


def _made_by(
    statement: ast.stmt, owner: ClassOutline | None, instance: str | None
) -> Iterator[_Table]:
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign):
        target = statement.target
    else:
        return
    if statement.value is None:
        return
    depth = 0
    while isinstance(target, ast.Subscript):
        target, depth = target.value, depth + 1
    name = dotted(target)
    if name is None or ("." in name) != (owner is not None):
        return
    if owner is not None:
        root, _, name = name.partition(".")
        if root != instance or "." in name:
            return
    values = [statement.value]
    if isinstance(statement.value, (ast.List, ast.Tuple)):
        values, depth = statement.value.elts, depth + 1
    for value in values:
        if isinstance(value, ast.Call) and last_name(value.func) == "defaultdict" and value.args:
            yield _Table(name, owner, statement.lineno, depth)


def _look_ups(outline: Outline, table: _Table) -> Iterator[Retention]:
    word = re.compile(
        rb"%s\b%b\[" % (rb"\." if table.owner is not None else rb"(?<!\.)", table.place.encode())
    )
    offsets = [match.start() for match in word.finditer(outline.source.data)]
    functions = [
        function
        for function in outline.functions_at(iter(offsets))
        if table.owner is None or function.owner is table.owner
    ]
    inserted = {id(one) for one in functions if any(True for _ in _inserts(one, table))}
    if not inserted:
        return
    for function in functions:
        if function.node.name.startswith("__init") or id(function) in inserted:
            continue
        for node in _subscripts(function, table):
            key = node.slice
            if not isinstance(node.ctx, ast.Load) or not _only_reads(function, node):
                continue
            if growth.finite(function, key) or not growth.from_outside(function, key):
                continue
            if _is_known(function, node, key):
                continue
            yield Retention(
                CODE,
                function.body.statement_of(node)
                if not isinstance(function.body.statement_of(node), (ast.For, ast.If, ast.While))
                else node,
                f"this look-up inserts {ast.unparse(key)[:40]} into {ast.unparse(node.value)}, a "
                "defaultdict: it grows with every key that is asked for",
                "container",
                0.4,
                steps=(
                    (table.line, f"{table.place} is a defaultdict"),
                    (node.lineno, f"{function.node.name}() only reads what it finds"),
                ),
            )
            break


def _subscripts(function: Definition, table: _Table) -> Iterator[ast.Subscript]:
    """Give the subscripts that index the table itself, not what it holds or is held by."""
    place = table.place if table.owner is None else f"{function.self_name}.{table.place}"
    for node in function.body.every(ast.Subscript):
        inner: ast.expr = node.value
        depth = 0
        while isinstance(inner, ast.Subscript):
            inner, depth = inner.value, depth + 1
        if (
            depth == table.depth
            and dotted(inner) == place
            and not isinstance(node.slice, ast.Slice)
        ):
            yield node


def _inserts(function: Definition, table: _Table) -> Iterator[ast.Subscript]:
    """Give the subscripts that are there to fill the table."""
    for node in _subscripts(function, table):
        if isinstance(node.ctx, ast.Store) or not _only_reads(function, node):
            yield node


def _only_reads(function: Definition, node: ast.Subscript) -> bool:
    parent = function.body.parents[node]
    if isinstance(parent, (ast.For, ast.AsyncFor, ast.comprehension)):
        return parent.iter is node
    if isinstance(parent, ast.Compare):
        return True
    if isinstance(parent, ast.Attribute):
        return parent.attr in _READS
    if isinstance(parent, ast.Call):
        return node in parent.args and last_name(parent.func) in _READERS
    if isinstance(parent, ast.Subscript):
        return parent.value is node and isinstance(parent.ctx, ast.Load)
    return isinstance(parent, (ast.Return, ast.Starred, ast.If, ast.BoolOp, ast.UnaryOp))


def _is_known(function: Definition, node: ast.Subscript, key: ast.expr) -> bool:
    """Whether the key is asked for first, or comes from the table."""
    body = function.body
    place, text = ast.unparse(node.value), ast.unparse(key)
    for test in body.every(ast.Compare):
        if any(isinstance(one, (ast.In, ast.NotIn)) for one in test.ops) and (
            ast.unparse(test.comparators[0]).startswith(place) and ast.unparse(test.left) == text
        ):
            return True
    names = {item.id for item in ast.walk(key) if isinstance(item, ast.Name)}
    for loop in body.nodes:
        if isinstance(loop, (ast.For, ast.AsyncFor, ast.comprehension)) and place in ast.unparse(
            loop.iter
        ):
            bound = {item.id for item in ast.walk(loop.target) if isinstance(item, ast.Name)}
            if bound & names:
                return True
    return False
