"""The classes and functions of a file, without what is inside of them: cheap enough for all."""

from __future__ import annotations

import ast
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import Body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.frontend import Source

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(eq=False, slots=True)
class ClassOutline:
    """A class outside of functions.

    Attributes
    ----------
    methods : dict of str to Definition
        The last definition of each name.
    statements : list of ast.stmt
        The body of the class, with what stands under its conditions.
    """

    node: ast.ClassDef
    methods: dict[str, Definition] = field(default_factory=dict)
    statements: list[ast.stmt] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The plain name."""
        return self.node.name


@dataclass(eq=False, slots=True)
class Definition:
    """A function of the module or a method; what is nested in it is part of it."""

    node: FunctionNode
    owner: ClassOutline | None
    _body: Body | None = None

    @property
    def body(self) -> Body:
        """Every node below, collected when it is first asked for."""
        if self._body is None:
            self._body = Body(self.node)
        return self._body

    @property
    def self_name(self) -> str | None:
        """The parameter that is the instance; None for functions and static and class methods."""
        if self.owner is None or {"staticmethod", "classmethod"} & set(self.decorators()):
            return None
        arguments = self.node.args
        first = [*arguments.posonlyargs, *arguments.args][:1]
        return first[0].arg if first else None

    def decorators(self) -> list[str]:
        """Give the last parts of the decorators' names."""
        return [name for item in self.node.decorator_list if (name := last_name(item))]


class Outline:
    """One file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.statements: list[ast.stmt] = []
        self.functions: list[Definition] = []
        self.classes: list[ClassOutline] = []
        self.imports: dict[str, str] = {}
        pending: list[tuple[list[ast.stmt], ClassOutline | None]] = [(source.tree.body, None)]
        while pending:
            statements, owner = pending.pop()
            for statement in statements:
                self._take(statement, owner, pending)
        self.functions.sort(key=lambda item: (item.node.lineno, item.node.col_offset))
        self.classes.sort(key=lambda item: (item.node.lineno, item.node.col_offset))
        self.statements.sort(key=lambda item: (item.lineno, item.col_offset))

    def _take(
        self,
        statement: ast.stmt,
        owner: ClassOutline | None,
        pending: list[tuple[list[ast.stmt], ClassOutline | None]],
    ) -> None:
        if isinstance(statement, FunctionNode):
            definition = Definition(statement, owner)
            self.functions.append(definition)
            if owner is not None:
                owner.methods[statement.name] = definition
            return
        if isinstance(statement, ast.ClassDef):
            inner = ClassOutline(statement)
            self.classes.append(inner)
            pending.append((statement.body, inner))
            return
        (self.statements if owner is None else owner.statements).append(statement)
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            self._import(statement)
            return
        for name in ("body", "orelse", "finalbody"):
            below = getattr(statement, name, None)
            if isinstance(below, list) and below:
                pending.append((below, owner))
        if isinstance(statement, (ast.Try, _TRY_STAR)):
            handlers: list[ast.ExceptHandler] = getattr(statement, "handlers", [])
            pending.extend((handler.body, owner) for handler in handlers)
        elif isinstance(statement, ast.Match):
            pending.extend((case.body, owner) for case in statement.cases)

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.asname:
                    self.imports[alias.asname] = alias.name
                else:
                    root = alias.name.partition(".")[0]
                    self.imports[root] = root
            return
        base = "." * statement.level + (statement.module or "")
        for alias in statement.names:
            self.imports[alias.asname or alias.name] = f"{base}.{alias.name}"

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset of the first byte of every line."""
        return [0, *accumulate(map(len, self.source.data.splitlines(keepends=True)))]

    @cached_property
    def _first_lines(self) -> list[int]:
        return [item.node.lineno for item in self.functions]

    def line_of(self, offset: int) -> int:
        """Give the 1-based line of a byte."""
        return bisect_right(self.line_starts, offset)

    def function_at(self, line: int) -> Definition | None:
        """Give the outermost function whose body holds a line."""
        position = bisect_right(self._first_lines, line) - 1
        if position < 0:
            return None
        found = self.functions[position]
        return found if line <= (found.node.end_lineno or 0) else None

    def functions_at(self, offsets: Iterator[int]) -> list[Definition]:
        """Give the functions that hold some bytes, each once and in order."""
        found: dict[Definition, None] = {}
        for offset in offsets:
            function = self.function_at(self.line_of(offset))
            if function is not None:
                found[function] = None
        return list(found)

    def qualify(self, node: ast.expr) -> str | None:
        """Give the imported name that an expression stands for; a plain name stands for itself."""
        name = dotted(node)
        if name is None:
            return None
        root, dot, rest = name.partition(".")
        return self.imports.get(root, root) + dot + rest


_TRY_STAR: type = getattr(ast, "TryStar", ast.Try)


def dotted(node: ast.expr) -> str | None:
    """Write a name or a chain of attributes on one as text."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return ".".join(reversed(parts))


def last_name(node: ast.expr) -> str | None:
    """Give the last part of a name, of a decorator with arguments too."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None
