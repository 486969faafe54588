"""Scopes of a module: its functions, its classes, and what each free name stands for."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.reexports import original, original_name, through_star

if TYPE_CHECKING:
    from collections.abc import Mapping

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_BUILTINS = frozenset(vars(builtins))


@dataclass(eq=False, slots=True)
class Scope:
    """A function, a lambda, or the body of the module.

    Attributes
    ----------
    name : str
        Qualified within the module, ``<module>`` for its body.
    node : function node or ast.Module
    class_name : str or None
        Qualified name of the class whose method this is.
    parent : Scope or None
        The function around this one; None for functions of the module and methods.
    imports : dict of str to str
        Names that import statements of this very scope bind, with what they stand for.
    local_names : frozenset of str
        Parameters and assigned names.
    stored_names : frozenset of str
        Parameters and names that a statement assigns to, other than by a definition or an import.
    outer_names : frozenset of str
        Names declared global or nonlocal.
    captured : frozenset of str
        Local names that nested functions use.
    called, entered : frozenset of str
        Last parts of the names of what the body itself calls, and the names that it reads; entered
        are those calls whose result a with statement enters at once.
    """

    name: str
    node: FunctionNode | ast.Module
    class_name: str | None
    parent: Scope | None
    imports: dict[str, str] = field(default_factory=dict)
    local_names: frozenset[str] = frozenset()
    stored_names: frozenset[str] = frozenset()
    outer_names: frozenset[str] = frozenset()
    captured: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()
    entered: frozenset[str] = frozenset()

    @property
    def body(self) -> list[ast.stmt]:
        """The statements; of a lambda, the return that it stands for."""
        if isinstance(self.node, ast.Lambda):
            value = self.node.body
            return [ast.copy_location(ast.Return(value=value), value)]
        return self.node.body

    @property
    def is_module(self) -> bool:
        """Whether this is the body of a module."""
        return isinstance(self.node, ast.Module)


@dataclass(eq=False, slots=True)
class ClassScope:
    """A class: its methods by name, and the qualified names of its bases."""

    name: str
    node: ast.ClassDef
    methods: dict[str, Scope] = field(default_factory=dict)
    bases: tuple[str, ...] = ()


@dataclass(eq=False, slots=True)
class ModuleScopes:
    """All scopes of one module.

    Attributes
    ----------
    name : str
        Dotted name of the module, as imports in the project write it.
    functions : dict of str to Scope
        By qualified name, without the module's.
    exports : mapping of str to mapping
        Names of libraries that modules of the project give to others.
    stars : tuple of str
        Modules of which all names are imported.
    """

    name: str
    body: Scope
    functions: dict[str, Scope]
    classes: dict[str, ClassScope]
    exports: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stars: tuple[str, ...] = ()

    def all_scopes(self) -> list[Scope]:
        """Give every scope in the order of the source."""
        return [self.body, *self.functions.values()]

    def resolve(self, scope: Scope, name: str) -> str | None:
        """Qualify a name as seen from a scope; None where it is a variable of some function."""
        looking: Scope | None = scope
        while looking is not None:
            if name in looking.imports:
                return looking.imports[name]
            nested = f"{looking.name}.<locals>.{name}"
            if (
                nested in self.functions
                and not looking.is_module
                and name not in looking.stored_names
            ):
                return f"{self.name}.{nested}"
            if name in looking.local_names and not looking.is_module:
                return None
            looking = looking.parent
        if name in self.body.imports:
            return self.body.imports[name]
        if name in self.functions or name in self.classes:
            return f"{self.name}.{name}"
        if name in self.body.local_names:
            return f"{self.name}.{name}"
        if self.stars:
            starred = through_star(name, self.stars, self.exports)
            if starred is not None:
                return starred
        if name in _BUILTINS:
            return f"builtins.{name}"
        return f"{self.name}.{name}"

    def member(self, owner: str, name: str) -> str:
        """Qualify an attribute of something that has a qualified name."""
        names = self.exports.get(owner)
        target = None if names is None else names.get(name)
        return f"{owner}.{name}" if target is None else target

    def qualify(self, scope: Scope, node: ast.expr) -> str | None:
        """Qualify a name or a chain of attributes on an imported or global name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        base = self.resolve(scope, node.id)
        if base is None:
            return None
        for part in reversed(parts):
            base = self.member(base, part)
        return base


def scopes_of(
    tree: ast.Module,
    module: str,
    *,
    is_package: bool = False,
    exports: Mapping[str, Mapping[str, str]] | None = None,
) -> ModuleScopes:
    """Find the scopes of a module; iterative, so that depth of nesting does not matter."""
    body = Scope("<module>", tree, None, None)
    exports = {} if exports is None else exports
    # Relative imports count from the package that a module is in.
    scan = _Scan(f"{module}.__init__" if is_package else module, exports)
    pending: list[_Part] = [(body, list(tree.body), "", None)]
    scan.pending = pending
    while pending:
        scan.part(*pending.pop())
    scan.capture()
    functions = dict(
        sorted(
            scan.functions.items(),
            key=lambda item: (item[1].node.lineno, item[1].node.col_offset),  # type: ignore[union-attr]
        )
    )
    found = ModuleScopes(module, body, functions, scan.classes, exports, tuple(scan.stars))
    for item in scan.classes.values():
        item.bases = tuple(
            name for base in item.node.bases if (name := found.qualify(body, base)) is not None
        )
    return found


_Part = tuple["Scope", list[ast.AST], str, "str | None"]


class _Scan:
    """Walks the bodies of a module one after the other, each without the functions nested in it."""

    def __init__(self, module: str, exports: Mapping[str, Mapping[str, str]]) -> None:
        self.stars: list[str] = []
        self._exports = exports
        self.functions: dict[str, Scope] = {}
        self.classes: dict[str, ClassScope] = {}
        self.pending: list[_Part] = []
        self._module = module
        self._used: dict[Scope, set[str]] = {}
        self._around: list[tuple[Scope, Scope]] = []

    def part(self, scope: Scope, roots: list[ast.AST], prefix: str, class_name: str | None) -> None:
        """Walk one body; queue the functions and class bodies in it."""
        assigned: set[str] = set(scope.local_names)
        stored: set[str] = set(scope.stored_names)
        outer: set[str] = set(scope.outer_names)
        used = self._used.setdefault(scope, set())
        called: set[str] = set()
        entered: set[str] = set()
        managed: set[int] = set()
        in_class = class_name is not None and prefix.endswith(f"{class_name}.")
        stack = roots[::-1]
        while stack:
            node = stack.pop()
            kind = node.__class__
            if kind is ast.Name:
                name = node.id  # type: ignore[attr-defined]
                used.add(name)
                if node.ctx.__class__ is ast.Load:  # type: ignore[attr-defined]
                    # Not only where it is called: a variable may stand for it.
                    if id(node) not in managed:
                        called.add(name)
                elif not in_class:
                    stored.add(name)
                continue
            if kind is ast.Constant:
                continue
            if kind is ast.Call:
                into = entered if id(node.func) in managed else called  # type: ignore[attr-defined]
                into.add(called_name(node))
            elif kind in _FUNCTIONS:
                self._queue(node, scope, prefix, class_name if in_class else None)  # type: ignore[arg-type]
                stack.extend(_defaults(node.args))  # type: ignore[attr-defined]
                if kind is not ast.Lambda:
                    if not in_class:
                        assigned.add(node.name)  # type: ignore[attr-defined]
                    stack.extend(node.decorator_list)  # type: ignore[attr-defined]
                continue
            elif kind is ast.ClassDef:
                if not in_class:
                    assigned.add(node.name)  # type: ignore[attr-defined]
                qualified = f"{prefix}{node.name}"  # type: ignore[attr-defined]
                self.classes.setdefault(qualified, ClassScope(qualified, node))  # type: ignore[arg-type]
                stack.extend(node.decorator_list)  # type: ignore[attr-defined]
                stack.extend(node.bases)  # type: ignore[attr-defined]
                self.pending.append((scope, list(node.body), f"{qualified}.", qualified))  # type: ignore[attr-defined]
                continue
            elif kind in _BINDING:
                self._bind(node, scope, assigned, outer)
            elif kind in _WITH:
                managed.update(
                    id(item.context_expr.func)
                    for item in node.items  # type: ignore[attr-defined]
                    if isinstance(item.context_expr, ast.Call)
                )
            for field_name in node._fields:
                value = getattr(node, field_name, None)
                if value.__class__ is list:
                    stack.extend(item for item in value if isinstance(item, ast.AST))
                elif isinstance(value, ast.AST) and value.__class__ not in _CONTEXTS:
                    stack.append(value)
        scope.local_names = frozenset((assigned | stored) - outer)
        scope.stored_names = frozenset(stored - outer)
        scope.outer_names = frozenset(outer)
        scope.called |= called
        scope.entered |= entered

    def capture(self) -> None:
        """Tell each scope which names the functions in it use; the innermost functions first."""
        for child, scope in reversed(self._around):
            used = self._used[child]
            free = used - frozenset(parameter_names(child.node.args))  # type: ignore[union-attr]
            around: Scope | None = scope
            while around is not None:
                around.captured |= free
                around = around.parent
            self._used[scope] |= used

    def _queue(self, node: FunctionNode, scope: Scope, prefix: str, class_name: str | None) -> None:
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        qualified = f"{prefix}{name}"
        if qualified in self.functions:
            # A name that is defined twice (overloads, branches): each body is analysed.
            qualified = f"{qualified}@{node.lineno}:{node.col_offset}"
        parent = None if scope.is_module else scope
        child = Scope(qualified, node, class_name, parent)
        child.local_names = child.stored_names = frozenset(parameter_names(node.args))
        self.functions[qualified] = child
        if class_name is not None and class_name in self.classes:
            self.classes[class_name].methods[name] = child
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
        self.pending.append((child, body, f"{qualified}.<locals>.", None))
        self._used[child] = set()
        self._around.append((child, scope))

    def _bind(self, node: ast.AST, scope: Scope, assigned: set[str], outer: set[str]) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._bind_imports(node, scope)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            outer.update(node.names)
        else:
            name = node.rest if isinstance(node, ast.MatchMapping) else getattr(node, "name", None)
            if name:
                assigned.add(name)

    def _bind_imports(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    scope.imports[alias.asname] = original_name(alias.name)
                else:
                    root = alias.name.partition(".")[0]
                    scope.imports[root] = root
            return
        base = node.module or ""
        if node.level:
            parts = self._module.split(".")
            kept = parts[: len(parts) - node.level]
            base = ".".join([*kept, base] if base else kept)
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(base)
                continue
            name = original_name(f"{base}.{alias.name}" if base else alias.name)
            scope.imports[alias.asname or alias.name] = original(name, self._exports)


_WITH = (ast.With, ast.AsyncWith)
_CONTEXTS = (ast.Load, ast.Store, ast.Del)
_BINDING = (
    ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.ExceptHandler, ast.MatchAs,
    ast.MatchStar, ast.MatchMapping,
)  # fmt: skip


def called_name(node: ast.AST) -> str:
    """Give the last part of the name that a call is made by; empty if there is none."""
    called = node.func if isinstance(node, ast.Call) else None
    if isinstance(called, ast.Name):
        return called.id
    return called.attr if isinstance(called, ast.Attribute) else ""


def parameter_names(arguments: ast.arguments) -> list[str]:
    """Give the names of all parameters, positional ones first."""
    names = [item.arg for item in (*arguments.posonlyargs, *arguments.args)]
    if arguments.vararg:
        names.append(arguments.vararg.arg)
    names.extend(item.arg for item in arguments.kwonlyargs)
    if arguments.kwarg:
        names.append(arguments.kwarg.arg)
    return names


def evaluated_here(node: FunctionNode) -> list[ast.expr]:
    """Give the parts of a definition that run where it stands: decorators and defaults."""
    return [*getattr(node, "decorator_list", ()), *_defaults(node.args)]


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(item for item in arguments.kw_defaults if item is not None)]
