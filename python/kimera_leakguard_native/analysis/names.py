"""Scopes of a module: its functions, its classes, and what each free name stands for."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field

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
    outer_names : frozenset of str
        Names declared global or nonlocal.
    captured : frozenset of str
        Local names that nested functions use.
    """

    name: str
    node: FunctionNode | ast.Module
    class_name: str | None
    parent: Scope | None
    imports: dict[str, str] = field(default_factory=dict)
    local_names: frozenset[str] = frozenset()
    outer_names: frozenset[str] = frozenset()
    captured: frozenset[str] = frozenset()

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
    """

    name: str
    body: Scope
    functions: dict[str, Scope]
    classes: dict[str, ClassScope]

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
            if nested in self.functions and not looking.is_module:
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
        if name in _BUILTINS:
            return f"builtins.{name}"
        return f"{self.name}.{name}"

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
        return ".".join([base, *reversed(parts)])


def scopes_of(tree: ast.Module, module: str) -> ModuleScopes:
    """Find the scopes of a module; iterative, so that depth of nesting does not matter."""
    body = Scope("<module>", tree, None, None)
    functions: dict[str, Scope] = {}
    classes: dict[str, ClassScope] = {}
    pending: list[tuple[Scope, list[ast.AST], str, str | None]] = [
        (body, list(tree.body), "", None)
    ]
    while pending:
        scope, nodes, prefix, class_name = pending.pop()
        _scan(scope, nodes, prefix, class_name, module, functions, classes, pending)
    ordered = dict(
        sorted(functions.items(), key=lambda item: (item[1].node.lineno, item[1].node.col_offset))  # type: ignore[union-attr]
    )
    found = ModuleScopes(module, body, ordered, classes)
    for item in classes.values():
        item.bases = tuple(
            name for base in item.node.bases if (name := found.qualify(body, base)) is not None
        )
    return found


def _scan(
    scope: Scope,
    roots: list[ast.AST],
    prefix: str,
    class_name: str | None,
    module: str,
    functions: dict[str, Scope],
    classes: dict[str, ClassScope],
    pending: list[tuple[Scope, list[ast.AST], str, str | None]],
) -> None:
    """Walk one body without entering nested functions; queue those and class bodies."""
    assigned: set[str] = set(scope.local_names)
    outer: set[str] = set(scope.outer_names)
    in_class = class_name is not None and prefix.endswith(f"{class_name}.")
    stack: list[ast.AST] = list(reversed(roots))
    while stack:
        node = stack.pop()
        if isinstance(node, _FUNCTIONS):
            _queue_function(
                node, scope, prefix, class_name if in_class else None, functions, classes, pending
            )
            if isinstance(node, ast.Lambda):
                stack.extend(_defaults(node.args))
            else:
                if not in_class:
                    assigned.add(node.name)
                stack.extend(node.decorator_list)
                stack.extend(_defaults(node.args))
            continue
        if isinstance(node, ast.ClassDef):
            if not in_class:
                assigned.add(node.name)
            qualified = f"{prefix}{node.name}"
            classes.setdefault(qualified, ClassScope(qualified, node))
            stack.extend(node.decorator_list)
            stack.extend(node.bases)
            pending.append((scope, list(node.body), f"{qualified}.", qualified))
            continue
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load) and not in_class:
                assigned.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            _bind_imports(node, scope, module)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            outer.update(node.names)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
            if node.name:
                assigned.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            assigned.add(node.rest)
        stack.extend(ast.iter_child_nodes(node))
    scope.local_names = frozenset(assigned - outer)
    scope.outer_names = frozenset(outer)


def _queue_function(
    node: FunctionNode,
    scope: Scope,
    prefix: str,
    class_name: str | None,
    functions: dict[str, Scope],
    classes: dict[str, ClassScope],
    pending: list[tuple[Scope, list[ast.AST], str, str | None]],
) -> None:
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    qualified = f"{prefix}{name}"
    if qualified in functions:
        # A name that is defined twice (overloads, branches): each body is analysed.
        qualified = f"{qualified}@{node.lineno}:{node.col_offset}"
    parent = None if scope.is_module else scope
    child = Scope(qualified, node, class_name, parent)
    child.local_names = frozenset(parameter_names(node.args))
    functions[qualified] = child
    if class_name is not None and class_name in classes:
        classes[class_name].methods[name] = child
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    pending.append((child, body, f"{qualified}.<locals>.", None))
    used = {item.id for root in body for item in ast.walk(root) if isinstance(item, ast.Name)}
    around: Scope | None = scope
    while around is not None:
        around.captured |= used - child.local_names
        around = around.parent


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


def _bind_imports(node: ast.Import | ast.ImportFrom, scope: Scope, module: str) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                scope.imports[alias.asname] = alias.name
            else:
                root = alias.name.partition(".")[0]
                scope.imports[root] = root
        return
    base = node.module or ""
    if node.level:
        parts = module.split(".")
        kept = parts[: len(parts) - node.level]
        base = ".".join([*kept, base] if base else kept)
    for alias in node.names:
        if alias.name != "*":
            scope.imports[alias.asname or alias.name] = (
                f"{base}.{alias.name}" if base else alias.name
            )
