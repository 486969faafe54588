"""Where in the syntax tree a finding is: its call, the statement around it, and the blocks."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.resources.catalog import catalog
from kimera_leakguard_native.analysis.source_text import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kimera_leakguard_native.analysis.fixes.document import Document
    from kimera_leakguard_native.analysis.resources.catalog import Resource
    from kimera_leakguard_native.model.finding import Finding

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Level:
    """A statement within the block that contains it.

    Attributes
    ----------
    block : list of ast.stmt
        The statements beside it.
    index : int
        Its position among them.
    owner : ast.AST
        The node whose block it is.
    """

    block: list[ast.stmt]
    index: int
    owner: ast.AST

    @property
    def statement(self) -> ast.stmt:
        """The statement itself."""
        return self.block[self.index]

    @property
    def following(self) -> list[ast.stmt]:
        """The statements after it in its block."""
        return self.block[self.index + 1 :]


@dataclass(frozen=True, slots=True)
class Spot:
    """A finding in its file.

    Attributes
    ----------
    node : ast.expr or ast.stmt
        The acquiring call, or the innermost node that starts where the finding does.
    parents : list of ast.AST
        The nodes around it, innermost first.
    levels : list of Level
        The statements around it within its function, innermost first.
    function : function node or None
        None in the body of a module or class.
    callee : str or None
        Qualified name of what the node calls.
    """

    document: Document
    tree: ast.Module
    finding: Finding
    node: ast.expr | ast.stmt
    parents: list[ast.AST]
    levels: list[Level]
    function: FunctionNode | None
    callee: str | None

    @property
    def resource(self) -> Resource | None:
        """Model of what is acquired, if it is one of the catalog's."""
        return catalog().resources.get(self.finding.resource)

    @property
    def body(self) -> list[ast.stmt]:
        """Statements of the function or the module."""
        return self.function.body if self.function is not None else self.tree.body

    def names(self) -> frozenset[str]:
        """Every name and attribute that the file uses."""
        return _names(self.tree)

    def fresh(self, *wanted: str) -> str:
        """Give the first of some names that the file does not use yet."""
        used = self.names()
        for name in wanted:
            if name not in used:
                return name
        number = 2
        while f"{wanted[0]}_{number}" in used:
            number += 1
        return f"{wanted[0]}_{number}"


@functools.lru_cache(maxsize=2)
def _names(tree: ast.Module) -> frozenset[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
    return frozenset(found)


def locate(
    document: Document,
    tree: ast.Module,
    finding: Finding,
    callee_of: Callable[[ast.expr, ast.AST | None], str | None],
) -> Spot | None:
    """Find the node of a finding; None if nothing starts at its place.

    Parameters
    ----------
    callee_of : callable
        Qualifies a called expression, given the function around it.
    """
    best: tuple[int, ast.expr | ast.stmt, list[ast.AST]] | None = None
    for node, parents in _at(tree, finding.line):
        line, column = document.position(document.start(node))
        if (line, column) != (finding.line, finding.column):
            continue
        rank = _rank(node, finding)
        if best is None or rank >= best[0]:
            best = (rank, node, parents)
    if best is None:
        return None
    _, node, parents = best
    function = next((p for p in parents if isinstance(p, FunctionNode)), None)
    inner = next((p for p in parents if isinstance(p, _SCOPES)), None)
    if isinstance(inner, ast.Lambda):
        return None
    levels = list(_levels(node, parents)) if inner is None or inner is function else []
    callee = callee_of(node.func, function) if isinstance(node, ast.Call) else None
    return Spot(document, tree, finding, node, parents, levels, function, callee)


def _rank(node: ast.expr | ast.stmt, finding: Finding) -> int:
    if not isinstance(node, ast.Call):
        return 0
    first = finding.path[0].note if finding.path else ""
    return 2 if first.startswith(f"{text_of(node.func, 30)}(…)") else 1


def _at(tree: ast.Module, line: int) -> Iterator[tuple[ast.expr | ast.stmt, list[ast.AST]]]:
    """Give the nodes that start in a line with the nodes around them, outer ones first."""
    stack: list[tuple[ast.AST, list[ast.AST]]] = [(tree, [])]
    while stack:
        node, parents = stack.pop()
        around = [node, *parents]
        for child in ast.iter_child_nodes(node):
            first = getattr(child, "lineno", None)
            if first is not None:
                decorators = getattr(child, "decorator_list", [])
                first = min([first, *(item.lineno for item in decorators)])
                if not first <= line <= (child.end_lineno or first):  # type: ignore[attr-defined]
                    continue
            if isinstance(child, (ast.expr, ast.stmt)) and child.lineno == line:
                yield child, around
            stack.append((child, around))


def _levels(node: ast.AST, parents: list[ast.AST]) -> Iterator[Level]:
    child = node
    for parent in parents:
        if isinstance(child, ast.stmt):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(parent, name, None)
                if isinstance(block, list) and child in block:
                    yield Level(block, block.index(child), parent)
        if isinstance(parent, _SCOPES):
            return
        child = parent
