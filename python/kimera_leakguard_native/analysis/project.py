"""The files of one run as a project: modules, classes and functions by name, loaded on demand."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.acquirers import Acquirers, acquirers_of
from kimera_leakguard_native.analysis.decorators import Wrapping, wrapping
from kimera_leakguard_native.analysis.definitions import speaking
from kimera_leakguard_native.analysis.dependencies import Dependencies
from kimera_leakguard_native.analysis.equations import Equations
from kimera_leakguard_native.analysis.exceptions import Catch
from kimera_leakguard_native.analysis.function import Function
from kimera_leakguard_native.analysis.handlers import Handlers
from kimera_leakguard_native.analysis.module_files import ModuleFiles
from kimera_leakguard_native.analysis.names import ModuleScopes, Scope, scopes_of
from kimera_leakguard_native.analysis.receivers import Classes
from kimera_leakguard_native.analysis.resources.catalog import Catalog, catalog
from kimera_leakguard_native.analysis.retention.elsewhere import Elsewhere
from kimera_leakguard_native.analysis.summaries import is_abstract
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

    from kimera_leakguard_native.analysis.obligations.text_index import TextIndex

__all__ = ["Function", "Project"]

VALUES = frozenset(
    f"builtins.{name}" for name in ("str", "bytes", "int", "float", "bool", "tuple", "list", "dict")
)
_KEPT_MODULES = 96
_MAX_ALIASES = 8


class Project:
    """Modules of the run, loaded when they are asked for.

    Parameters
    ----------
    files : iterable of str
        All files of the run; modules of the packages around these are found, too.
    dependencies : Dependencies, optional
        Told of every file that is looked at, and of what it held: cached results rest on that.
    acquirers : Acquirers, optional
        What another process has found out about these files; worked out on demand otherwise.
    models : str
        Resource models of the user, as `Options.models` has them.
    """

    def __init__(
        self,
        files: Iterable[str],
        dependencies: Dependencies | None = None,
        acquirers: Acquirers | None = None,
        models: str = "",
    ) -> None:
        self.catalog: Catalog = catalog(models)
        self.files = tuple(files)
        self.equations = Equations()
        self.classes = Classes(self)
        self.dependencies = dependencies or Dependencies()
        self.handlers = Handlers(self.class_at)
        self.text_index: TextIndex | None = None
        self.elsewhere = Elsewhere(sorted(self.files), self.dependencies)
        self._broken: set[str] = set()
        self._sources: dict[str, frontend.Source] = {}
        self.module_files = ModuleFiles(self.files)
        self._loaded: OrderedDict[str, tuple[ModuleScopes, dict[str, Function]]] = OrderedDict()
        self._wrappings: dict[str, Wrapping] = {}
        self._acquirers = acquirers

    @property
    def acquirers(self) -> Acquirers:
        """The functions of the project that acquire for their callers."""
        if self._acquirers is None:
            self._acquirers = Acquirers()
            self._acquirers = acquirers_of(self)
        return self._acquirers

    @property
    def names(self) -> dict[str, str]:
        """Dotted names of the modules of the run, by file."""
        return self.module_files.names

    def name_of(self, file: str) -> str:
        """Give the dotted name of a file's module."""
        return self.module_files.name_of(file)

    def file_of(self, module: ModuleScopes) -> str:
        """Give the file of a loaded module."""
        return self.module_files.file_of(module.name) or module.name

    def parsed(self, file: str, data: bytes) -> frontend.Source:
        """Parse a file, unless it was parsed as a callee's and still holds the same.

        Raises
        ------
        AnalysisError
            As `frontend.parse` does.
        """
        known = self._sources.get(self.name_of(file))
        if known is not None and known.path == file and known.data == data:
            return known
        return frontend.parse(file, data)

    def add(self, file: str, tree: ast.Module) -> ModuleScopes:
        """Take a parsed module in."""
        return self._take_in(self.name_of(file), file, tree)

    def _take_in(self, name: str, file: str, tree: ast.Module) -> ModuleScopes:
        loaded = self._loaded.get(name)
        if loaded is not None and loaded[0].body.node is tree:
            return loaded[0]
        is_package = file.endswith("__init__.py")
        exports = self.acquirers.exports
        scopes = scopes_of(tree, name, is_package=is_package, exports=exports)
        self._loaded[name] = (scopes, {})
        self._loaded.move_to_end(name)
        while len(self._loaded) > _KEPT_MODULES:
            self._sources.pop(self._loaded.popitem(last=False)[0], None)
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
        """Load a module of the run; None if it is not in reach or does not parse."""
        file = self.module_files.file_of(name)
        if file is not None:
            self.dependencies.use(file)
        if name in self._loaded:
            return self._loaded[name][0]
        if file is None or name in self._broken:
            return None
        try:
            data = frontend.read(file)
            self.dependencies.saw(file, data)
            source = frontend.parse(file, data)
            self._sources[name] = source
            return self._take_in(name, file, source.tree)
        except (AnalysisError, RecursionError):
            self._broken.add(name)
            return None

    def find(self, qualified: str, seen: int = 0) -> tuple[ModuleScopes, str] | None:
        """Split a qualified name into a module and the name in it, through re-exports."""
        parts = qualified.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            name = ".".join(parts[:cut])
            if name not in self._loaded and self.module_files.file_of(name) is None:
                continue
            module = self.module(name)
            if module is None:
                return None
            rest = parts[cut:]
            if rest[0] in module.body.imports and seen < _MAX_ALIASES:
                target = ".".join([module.body.imports[rest[0]], *rest[1:]])
                return self.find(target, seen + 1) if target != qualified else None
            return module, ".".join(rest)
        return None

    def class_at(self, qualified: str) -> tuple[str, tuple[str, ...]] | None:
        """Give the defining name and the bases of a class, None if the project has none there."""
        found = self.classes.named(qualified)
        if found is None:
            return None
        module, owner = found
        bases = tuple(owner.bases)
        if len(bases) < len(owner.node.bases):
            bases = (*bases, "?")  # one that has no name
        return f"{module.name}.{owner.name}", bases

    def may_be_class(self, qualified: str) -> bool:
        """Whether the text of some file defines a class of this name, or renames one to it."""
        return qualified.rpartition(".")[2] in self.acquirers.definitions.classes

    def is_plain_class(self, qualified: str) -> bool:
        """Whether a class of the run has no base that could make its attributes members."""
        pending, seen = [qualified], {qualified}
        while pending:
            found = self.class_at(pending.pop())
            if found is None:
                return False
            fresh = [base for base in found[1] if base != "builtins.object" and base not in seen]
            seen.update(fresh)
            pending.extend(fresh)
        return True

    def are_unrelated(self, one: str, other: str) -> bool:
        """Whether no object is an instance of both: of plain classes, or of such and a builtin."""
        names = (one, other)
        plain = [name in VALUES or self.is_plain_class(name) for name in names]
        if not all(plain) or VALUES.issuperset(names):
            return False
        return self.handlers.catches((one,), other) is Catch.NEVER

    def wrapping(self, module: ModuleScopes, scope: Scope) -> Wrapping:
        """Say what the decorators of a function do to its calls."""
        if not getattr(scope.node, "decorator_list", None):
            return Wrapping.DIRECT
        key = f"{module.name}.{scope.name}"
        if key not in self._wrappings:
            self._wrappings[key] = Wrapping.OPAQUE  # ends cycles
            self._wrappings[key] = wrapping(module, scope, self.find)
        return self._wrappings[key]

    def calls_through(self, module: ModuleScopes, scope: Scope) -> bool:
        """Whether calling the name runs the function that stands there."""
        return self.wrapping(module, scope) in (Wrapping.DIRECT, Wrapping.AROUND)

    def only_method(self, name: str) -> tuple[ModuleScopes, Scope] | None:
        """Find the one method of a name that is defined just once in the whole project."""
        found = self._methods(name) if speaking(name) else None
        return found[0] if found is not None and len(found) == 1 else None

    def all_leave(self, name: str) -> bool:
        """Whether every method of a name, on whatever class of the project, never returns."""
        if name not in self.acquirers.definitions.leaving:
            return False

        def compute() -> bool:
            methods = self._methods(name) or []
            return bool(methods) and all(
                not is_abstract(scope)
                and self.calls_through(module, scope)
                and self.function(module, scope).never_returns()
                for module, scope in methods
            )

        return self.equations.solve(("all leave", name), compute, unknown=True, given_up=False)

    def _methods(self, name: str) -> list[tuple[ModuleScopes, Scope]] | None:
        files = self.acquirers.definitions.files.get(name)
        if files is None:
            return None
        found: list[tuple[ModuleScopes, Scope]] = []
        for file in files:
            module = self.module(self.name_of(file))
            if module is None:
                return None
            found.extend(
                (module, owner.methods[name])
                for owner in module.classes.values()
                if name in owner.methods
            )
        return found
