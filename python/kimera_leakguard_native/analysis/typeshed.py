"""The standard library as its type stubs describe it: names, classes, method resolution order.

Stubs are read, never the modules: looking at `ssl` here does not import `ssl`. Each stub is
parsed when a name in it is first asked for (a fraction of a millisecond to about forty) and kept
for the life of the index.
"""

from __future__ import annotations

import ast
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from typeshed_client import NameInfo, SearchContext

_DEPTH = 16
"""Aliases of aliases that are followed; typeshed needs five."""

_NO_CLASS = frozenset(
    f"{module}.{name}"
    for module in ("typing", "typing_extensions")
    for name in ("Any", "Callable", "ClassVar", "Final", "Literal", "Never", "NoReturn", "Type")
)
_SELF = frozenset({"typing.Self", "typing_extensions.Self", "_typeshed.Self"})
_UNION = frozenset({"typing.Optional", "typing.Union"})
_FIRST = frozenset({"typing.Annotated", "typing_extensions.Annotated"})
_MARKERS = frozenset(
    f"{module}.{name}"
    for module in ("typing", "typing_extensions")
    for name in ("Generic", "Protocol", "NamedTuple", "TypedDict")
)


@dataclass(frozen=True, slots=True)
class Definition:
    """Where a name leads once every re-export and alias has been followed.

    Attributes
    ----------
    name : str
        Dotted name at the place of definition, for example ``_io.TextIOWrapper``.
    module : str
        Module whose scope its annotations are read in.
    nodes : tuple of ast.AST
        One class, assignment or function; several for an overloaded function.
    members : frozenset of str
        Names that the body of a class defines.
    """

    name: str
    module: str
    nodes: tuple[ast.AST, ...]
    members: frozenset[str] = frozenset()

    @property
    def functions(self) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
        """The signatures, if the definition is a function."""
        return tuple(
            n for n in self.nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
        )

    @property
    def is_class(self) -> bool:
        """Whether the definition is a class."""
        return isinstance(self.nodes[0], ast.ClassDef)


@dataclass(frozen=True, slots=True)
class StubClass:
    """A class of a stub.

    Attributes
    ----------
    name : str
        Dotted name at the place of definition.
    bases : tuple of str
        Names of the direct bases in the same form; `typing` markers are left out.
    complete : bool
        Whether every base could be resolved.
    members : frozenset of str
        Names that the class body itself defines.
    """

    name: str
    bases: tuple[str, ...]
    complete: bool
    members: frozenset[str]


class Typeshed:
    """Names of the standard library, resolved lazily through the bundled stubs.

    Site-packages is not searched, so that a result does not depend on what is installed.

    Parameters
    ----------
    version : (int, int), optional
        Language version that the analysed code runs on; the running one by default.
    platform : str, optional
        Value of `sys.platform` in stubs.
    """

    def __init__(
        self, version: tuple[int, int] | None = None, platform: str = sys.platform
    ) -> None:
        self.version = version or sys.version_info[:2]
        self.platform = platform
        self._context: SearchContext | None = None
        self._modules: dict[str, dict[str, NameInfo] | None] = {}
        self._definitions: dict[str, Definition | None] = {}
        self._classes: dict[str, StubClass | None] = {}
        self._mros: dict[str, tuple[str, ...] | None] = {}

    def modules(self) -> tuple[str, ...]:
        """Name the modules that have a stub, sorted."""
        import typeshed_client

        found = typeshed_client.get_all_stub_files(self._searched())
        return tuple(sorted(name for name, _ in found))

    def names(self, module: str) -> dict[str, NameInfo] | None:
        """Give what the stub of a module binds, or None where there is no such stub."""
        if module not in self._modules:
            self._modules[module] = self._parse(module)
        return self._modules[module]

    def definition(self, name: str) -> Definition | None:
        """Follow a dotted name to its definition.

        Parameters
        ----------
        name : str
            ``module.name``, ``module.Class.method`` (inherited ones too) or a bare builtin.

        Returns
        -------
        Definition or None
            None where the stubs do not define the name, and where it is a module.
        """
        if name not in self._definitions:
            self._definitions[name] = None  # ends alias cycles
            self._definitions[name] = self._find(name, 0)
        return self._definitions[name]

    def canonical(self, name: str) -> str | None:
        """Give the name at the place of definition: ``socket.error`` is ``builtins.OSError``."""
        found = self.definition(name)
        return found.name if found else None

    def class_of(self, name: str) -> StubClass | None:
        """Describe a class, or give None where the name is none that the stubs know."""
        if name not in self._classes:
            self._classes[name] = self._describe(name)
        return self._classes[name]

    def mro(self, name: str) -> tuple[str, ...] | None:
        """Linearise a class as the interpreter does (C3).

        Returns
        -------
        tuple of str or None
            From the class to ``builtins.object``; None where the class or a base is unknown.
        """
        if name not in self._mros:
            self._mros[name] = None  # ends inheritance cycles
            self._mros[name] = self._linearise(name)
        return self._mros[name]

    def member(self, name: str, attribute: str) -> Definition | None:
        """Find a method or attribute of a class through its method resolution order."""
        for base in self.mro(name) or ():
            described = self.class_of(base)
            if described is not None and attribute in described.members:
                return self.definition(f"{base}.{attribute}")
        return None

    def classes_in(
        self, annotation: ast.expr | None, module: str, owner: str | None = None
    ) -> tuple[str, ...]:
        """Name the classes that an annotation allows.

        Parameters
        ----------
        annotation : ast.expr or None
            Unions, optionals, aliases, type variables (bound or constraints) and strings are
            expanded; ``None``, ``Any``, callables and literals name no class.
        module : str
            Module in whose scope the annotation stands.
        owner : str, optional
            Class that ``Self`` means.
        """
        found = dict.fromkeys(self._expand(annotation, module, owner, 0))
        return tuple(found)

    def qualify(self, node: ast.expr, module: str) -> str | None:
        """Give the dotted name that an expression of a stub stands for, unresolved."""
        if isinstance(node, ast.Attribute):
            base = self.qualify(node.value, module)
            return f"{base}.{node.attr}" if base else None
        if not isinstance(node, ast.Name):
            return None
        if node.id in (self.names(module) or ()):
            return f"{module}.{node.id}"
        return f"builtins.{node.id}"

    def _searched(self) -> SearchContext:
        import typeshed_client

        if self._context is None:
            # Its warnings concern typeshed's authors; without a handler they reach stderr.
            logging.getLogger("typeshed_client").addHandler(logging.NullHandler())
            self._context = typeshed_client.get_search_context(
                search_path=[], version=self.version, platform=self.platform
            )
        return self._context

    def _parse(self, module: str) -> dict[str, NameInfo] | None:
        import typeshed_client

        try:
            return typeshed_client.get_stub_names(module, search_context=self._searched())
        except (typeshed_client.InvalidStub, SyntaxError, RecursionError):
            return None

    def _find(self, name: str, depth: int) -> Definition | None:
        if depth > _DEPTH:
            return None
        parts = name.split(".")
        if len(parts) == 1:
            parts.insert(0, "builtins")
        for cut in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:cut])
            names = self.names(module)
            if names is not None:
                rest = parts[cut + 1 :]
                return self._enter(module, module, names.get(parts[cut]), rest, depth)
        return None

    def _enter(
        self, scope: str, module: str, info: NameInfo | None, rest: Sequence[str], depth: int
    ) -> Definition | None:
        from typeshed_client import ImportedName, OverloadedName

        if info is None:
            return None
        name, node = f"{scope}.{info.name}", info.ast
        if isinstance(node, OverloadedName):
            kept = tuple(n for n in node.definitions if isinstance(n, ast.AST))
            return Definition(name, module, kept) if kept and not rest else None
        if isinstance(node, ImportedName):
            source = ".".join(node.module_name)
            target = f"{source}.{node.name}" if node.name else source
            return self._find(".".join((target, *rest)), depth + 1)
        followed = self._follow(node, module, rest, depth)
        if followed is not None:
            return followed
        children = info.child_nodes or {}
        if not rest:
            return Definition(name, module, (node,), frozenset(children))
        if rest[0] in children:
            return self._enter(name, module, children[rest[0]], rest[1:], depth + 1)
        return self._inherited((self.mro(name) or ())[1:], rest)

    def _follow(
        self, node: ast.AST, module: str, rest: Sequence[str], depth: int
    ) -> Definition | None:
        """Follow ``a = b``, and what is asked of a variable to the class it is annotated with."""
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            return None
        if isinstance(node.value, (ast.Name, ast.Attribute)):
            written = self.qualify(node.value, module)
            return self._find(".".join((written, *rest)), depth + 1) if written else None
        if rest and isinstance(node, ast.AnnAssign):
            return self._inherited(self.classes_in(node.annotation, module), rest)
        return None

    def _inherited(self, classes: Sequence[str], rest: Sequence[str]) -> Definition | None:
        for name in classes:
            found = self.member(name, rest[0])
            if found is not None:
                return self.definition(".".join((found.name, *rest[1:]))) if rest[1:] else found
        return None

    def _describe(self, name: str) -> StubClass | None:
        found = self.definition(name)
        if found is None or not isinstance(found.nodes[0], ast.ClassDef):
            return None
        bases: list[str] = []
        complete = True
        for node in found.nodes[0].bases:
            expression = node.value if isinstance(node, ast.Subscript) else node
            written = self.qualify(expression, found.module)
            base = self.definition(written) if written else None
            if base is None or not (base.is_class or base.name in _MARKERS):
                complete = False
            elif base.name not in _MARKERS:
                bases.append(base.name)
        return StubClass(found.name, tuple(bases), complete, found.members)

    def _linearise(self, name: str) -> tuple[str, ...] | None:
        described = self.class_of(name)
        if described is None or not described.complete:
            return None
        if described.name == "builtins.object":
            return (described.name,)
        bases = described.bases or ("builtins.object",)
        sequences: list[list[str]] = []
        for base in bases:
            above = self.mro(base)
            if above is None:
                return None
            sequences.append(list(above))
        sequences.append(list(bases))
        merged = _merge(sequences)
        return None if merged is None else (described.name, *merged)

    def _expand(
        self, node: ast.expr | None, module: str, owner: str | None, depth: int
    ) -> Iterator[str]:
        if node is None or depth > _DEPTH:
            return
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                yield from self._expand(_parsed(node.value), module, owner, depth + 1)
        elif isinstance(node, ast.BinOp):
            yield from self._expand(node.left, module, owner, depth + 1)
            yield from self._expand(node.right, module, owner, depth + 1)
        elif isinstance(node, ast.Subscript):
            yield from self._subscript(node, module, owner, depth)
        elif isinstance(node, (ast.Name, ast.Attribute)):
            yield from self._named(node, module, owner, depth)

    def _subscript(
        self, node: ast.Subscript, module: str, owner: str | None, depth: int
    ) -> Iterator[str]:
        written = self.qualify(node.value, module)
        base = (self.canonical(written) or written) if written else None
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if base in _UNION or base in _FIRST:
            for item in items if base in _UNION else items[:1]:
                yield from self._expand(item, module, owner, depth + 1)
        elif base != "builtins.type":
            yield from self._expand(node.value, module, owner, depth + 1)

    def _named(self, node: ast.expr, module: str, owner: str | None, depth: int) -> Iterator[str]:
        written = self.qualify(node, module)
        found = self.definition(written) if written else None
        if found is None:
            return
        if found.name in _SELF:
            yield from (owner,) if owner else ()
        elif found.name in _NO_CLASS:
            return
        elif found.is_class:
            yield found.name
        else:
            for value in _values(found.nodes[0]):
                yield from self._expand(value, found.module, owner, depth + 1)


def _values(node: ast.AST) -> Sequence[ast.expr]:
    """Give what a type alias or a type variable stands for."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)):
        value = getattr(node, "value", None)  # `type X = ...` has a node of its own since 3.12
        return [value] if isinstance(value, ast.expr) else []
    value = node.value
    if isinstance(value, ast.Call):
        bound = [keyword.value for keyword in value.keywords if keyword.arg == "bound"]
        return bound or value.args[1:]
    return [value] if value is not None else []


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None


def _merge(sequences: list[list[str]]) -> list[str] | None:
    merged: list[str] = []
    while sequences := [s for s in sequences if s]:
        tails = {name for s in sequences for name in s[1:]}
        head = next((s[0] for s in sequences if s[0] not in tails), None)
        if head is None:
            return None
        merged.append(head)
        sequences = [s[1:] if s[0] == head else s for s in sequences]
    return merged
