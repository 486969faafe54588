"""The files of one run as a project: modules by name, functions by name, summaries on demand."""

from __future__ import annotations

import ast
import os
from collections import OrderedDict
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend, ir
from kimera_leakguard_native.analysis.dependencies import Dependencies
from kimera_leakguard_native.analysis.effects import Effects
from kimera_leakguard_native.analysis.handlers import Handlers
from kimera_leakguard_native.analysis.lowering import lower
from kimera_leakguard_native.analysis.names import ModuleScopes, Scope, scopes_of
from kimera_leakguard_native.analysis.resources.catalog import Catalog, catalog
from kimera_leakguard_native.analysis.retention.elsewhere import Elsewhere
from kimera_leakguard_native.analysis.summaries import (
    Summary,
    could_never_return,
    explicit_raises,
    frame_of,
    is_abstract,
    never_returns,
    parameter_effect,
)
from kimera_leakguard_native.analysis.work_budget import WorkBudget
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.obligations.text_index import TextIndex
    from kimera_leakguard_native.analysis.ownership import Effect, Frame

_KEPT_MODULES = 96
_MAX_DEPTH = 12


class Function:
    """One scope of the project with everything that is worked out about it, once."""

    def __init__(self, project: Project, module: ModuleScopes, scope: Scope) -> None:
        self.project = project
        self.module = module
        self.scope = scope
        self.effects = Effects(
            project.catalog, CallResolver(project, module, scope), project.handlers
        )
        self._graph: Graph | None = None
        self._no_graph: AnalysisError | None = None
        self._summary_budget = WorkBudget()
        self._effects_of: dict[str, Effect | None] = {}
        self._never_returns: bool | None = None
        self._raises: tuple[str | None, ...] | None = None

    @property
    def qualified_name(self) -> str:
        """Name with the module's."""
        return f"{self.module.name}.{self.scope.name}"

    def graph(self) -> Graph:
        """Lower the function.

        Raises
        ------
        AnalysisError
            The graph would be too large.
        """
        if self._no_graph is not None:
            raise self._no_graph
        if self._graph is None:
            try:
                self._graph = lower(self.module, self.scope)
            except AnalysisError as error:
                # Every caller asks again, and each attempt costs as much as the first.
                self._no_graph = AnalysisError(str(error))
                raise
        return self._graph

    def forget_graph(self) -> None:
        """Give the memory of the graph back; it is built again if need be."""
        self._graph = None

    def frame(self) -> Frame:
        """Describe the frame."""
        decorators = frozenset(
            name
            for item in getattr(self.scope.node, "decorator_list", [])
            if (name := self.module.qualify(self.module.body, item)) is not None
        )
        return frame_of(self.scope, self.graph(), decorators)

    def effect(self, parameter: str) -> Effect | None:
        """Say what the function does with an argument."""
        if parameter not in self._effects_of:
            # A recursive call asks while the answer is on its way: nothing is known then.
            self._effects_of[parameter] = None
            if self.project.enter():
                try:
                    self._effects_of[parameter] = parameter_effect(
                        self.graph(), self.frame(), self.effects, parameter, self._summary_budget
                    )
                except (RecursionError, AnalysisError):
                    self._effects_of[parameter] = None
                finally:
                    self.project.leave()
        return self._effects_of[parameter]

    def never_returns(self) -> bool:
        """Whether no call comes back."""
        if self._never_returns is None:
            self._never_returns = False
            if could_never_return(self.scope) and self.project.enter():
                try:
                    self._never_returns = never_returns(self.graph(), self.effects)
                except (RecursionError, AnalysisError):
                    self._never_returns = False
                finally:
                    self.project.leave()
        return self._never_returns

    def raises(self) -> tuple[str | None, ...]:
        """Give the classes that the function raises on purpose."""
        if self._raises is None:
            names = [self.module.qualify(self.scope, item) for item in explicit_raises(self.scope)]
            self._raises = tuple(
                name
                for name in names
                if name not in ("builtins.NotImplementedError", "builtins.TypeError", None)
            )
        return self._raises


class Project:
    """Modules of the run, loaded when they are asked for.

    Parameters
    ----------
    files : iterable of str
        All files of the run; modules are found among these only.
    dependencies : Dependencies, optional
        Told of every file that is looked at, and of what it held: cached results rest on that.
    """

    def __init__(self, files: Iterable[str], dependencies: Dependencies | None = None) -> None:
        self.catalog: Catalog = catalog()
        self.dependencies = dependencies or Dependencies()
        self.handlers = Handlers(self.class_at)
        self._files: dict[str, str] = {}
        self._broken: set[str] = set()
        self._loaded: OrderedDict[str, tuple[ModuleScopes, dict[str, Function]]] = OrderedDict()
        self._depth = 0
        self.text_index: TextIndex | None = None
        known = set(files)
        for file in sorted(known):
            self._files.setdefault(module_name(file, known), file)
        self.names = {file: name for name, file in self._files.items()}
        self.elsewhere = Elsewhere(sorted(known), self.dependencies)

    def enter(self) -> bool:
        """Whether one more summary may be worked out inside the one in progress."""
        if self._depth >= _MAX_DEPTH:
            return False
        self._depth += 1
        return True

    def leave(self) -> None:
        """Undo `enter`."""
        self._depth -= 1

    def name_of(self, file: str) -> str:
        """Give the dotted name of a file's module."""
        return self.names.get(file) or module_name(file, {file})

    def add(self, file: str, tree: ast.Module) -> ModuleScopes:
        """Take a parsed module in."""
        name = self.name_of(file)
        scopes = scopes_of(tree, name)
        self._loaded[name] = (scopes, {})
        self._loaded.move_to_end(name)
        while len(self._loaded) > _KEPT_MODULES:
            self._loaded.popitem(last=False)
        return scopes

    def function(self, module: ModuleScopes, scope: Scope) -> Function:
        """Give the one object for a scope."""
        loaded = self._loaded.get(module.name)
        if loaded is None or loaded[0] is not module:
            return Function(self, module, scope)
        found = loaded[1].get(scope.name)
        if found is None:
            found = loaded[1][scope.name] = Function(self, module, scope)
        return found

    def module(self, name: str) -> ModuleScopes | None:
        """Load a module of the run; None if it is not among its files or does not parse."""
        file = self._files.get(name)
        if file is not None:
            self.dependencies.use(file)
        if name in self._loaded:
            return self._loaded[name][0]
        if file is None or name in self._broken:
            return None
        try:
            data = frontend.read(file)
            self.dependencies.saw(file, data)
            return self.add(file, frontend.parse(file, data).tree)
        except (AnalysisError, RecursionError):
            self._broken.add(name)
            return None

    def find(self, qualified: str, seen: int = 0) -> tuple[ModuleScopes, str] | None:
        """Split a qualified name into a module and the name in it, through re-exports."""
        parts = qualified.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            name = ".".join(parts[:cut])
            if name not in self._loaded and name not in self._files:
                continue
            module = self.module(name)
            if module is None:
                return None
            rest = parts[cut:]
            if rest[0] in module.body.imports and seen < 8:
                target = ".".join([module.body.imports[rest[0]], *rest[1:]])
                return self.find(target, seen + 1) if target != qualified else None
            return module, ".".join(rest)
        return None

    def class_at(self, qualified: str) -> tuple[str, tuple[str, ...]] | None:
        """Give the defining name and the bases of a class, None if the run has none there."""
        found = self.find(qualified)
        if found is None or found[1] not in found[0].classes:
            return None
        owner = found[0].classes[found[1]]
        bases = tuple(owner.bases)
        if len(bases) < len(owner.node.bases):
            bases = (*bases, "?")  # one that has no name
        return f"{found[0].name}.{found[1]}", bases


class CallResolver:
    """Finds the function that a call in one scope reaches."""

    def __init__(self, project: Project, module: ModuleScopes, scope: Scope) -> None:
        self._project = project
        self._module = module
        self._scope = scope
        self._known: dict[tuple[str | None, str | None, bool], Summary | None] = {}

    def of_call(self, call: ir.Call) -> Summary | None:
        """Give the summary of a call's target; None if it is not one certain function."""
        on_self = call.method is not None and self._is_self(call.receiver)
        if call.name is None and not on_self:
            return None
        key = (call.name, call.method, on_self)
        if key not in self._known:
            found = self.target(call)
            self._known[key] = None if found is None else Summary(found[0], bound=found[1])
        return self._known[key]

    def target(self, call: ir.Call) -> tuple[Function, bool] | None:
        """Give the function and whether the call binds its first parameter."""
        if call.name is not None:
            return self._by_name(call.name)
        if call.method is not None and self._is_self(call.receiver):
            class_name = self._class_name()
            if class_name is not None:
                found = self._method(self._module, class_name, call.method)
                if found is not None:
                    return found, not _is_static(found.scope)
        return None

    def _is_self(self, receiver: ir.Operand | None) -> bool:
        scope: Scope | None = self._scope
        while scope is not None and scope.class_name is None:
            scope = scope.parent
        if scope is None or isinstance(scope.node, (ast.Module, ast.Lambda)):
            return False
        arguments = scope.node.args
        first = [*arguments.posonlyargs, *arguments.args][:1]
        return bool(first) and receiver == first[0].arg

    def _class_name(self) -> str | None:
        scope: Scope | None = self._scope
        while scope is not None:
            if scope.class_name is not None:
                return scope.class_name
            scope = scope.parent
        return None

    def _by_name(self, name: str) -> tuple[Function, bool] | None:
        found = self._project.find(name)
        if found is None:
            return None
        module, local = found
        if local in module.functions:
            scope = module.functions[local]
            if _is_wrapped(scope):
                return None
            return self._project.function(module, scope), False
        if local in module.classes:
            method = self._method(module, local, "__init__")
            return None if method is None else (method, True)
        return None

    def _method(
        self, module: ModuleScopes, class_name: str, method: str, depth: int = 0
    ) -> Function | None:
        owner = module.classes.get(class_name)
        if owner is None or depth > _MAX_DEPTH:
            return None
        scope = owner.methods.get(method)
        if scope is not None:
            if _is_wrapped(scope) or is_abstract(scope):
                return None
            return self._project.function(module, scope)
        for base in owner.bases:
            found = self._project.find(base)
            if found is not None:
                inherited = self._method(found[0], found[1], method, depth + 1)
                if inherited is not None:
                    return inherited
        return None


def _is_static(scope: Scope) -> bool:
    names = {getattr(item, "id", "") for item in getattr(scope.node, "decorator_list", [])}
    return "staticmethod" in names


def _is_wrapped(scope: Scope) -> bool:
    """Whether a decorator may put another function in place of this one."""
    names = {getattr(item, "id", "") for item in getattr(scope.node, "decorator_list", [])}
    return bool(names - {"staticmethod", "classmethod"})


def module_name(file: str, known: set[str]) -> str:
    """Give the dotted name of a module: folders count as long as they are packages of the run."""
    folder, base = os.path.split(file)
    stem = base.rpartition(".")[0] or base
    parts = [] if stem == "__init__" else [stem]
    while folder:
        if os.path.join(folder, "__init__.py") not in known:
            break
        folder, name = os.path.split(folder)
        if not name:
            break
        parts.insert(0, name)
    return ".".join(parts) or stem
