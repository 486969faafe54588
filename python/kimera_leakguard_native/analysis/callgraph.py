"""The edges of the call graph: which functions of the project a call may reach."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.decorators import Wrapping, is_class_method, is_static
from kimera_leakguard_native.analysis.receivers import Places, own_class, self_name
from kimera_leakguard_native.analysis.summaries import Summary, is_abstract

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.function import Function
    from kimera_leakguard_native.analysis.names import ModuleScopes, Scope
    from kimera_leakguard_native.analysis.project import Project
    from kimera_leakguard_native.analysis.returned import Provided

    _Key = tuple[str | None, str | None, ir.Operand | None, ir.Operand | None, int]

_OUTER = "<outer>."


class Target(NamedTuple):
    """A function that a call reaches.

    Attributes
    ----------
    bound : bool
        Whether the call gives the first parameter by itself.
    certain : bool
        False where only the name of the method says so.
    """

    function: Function
    bound: bool
    certain: bool = True


class CallResolver:
    """Finds the functions that the calls in one scope reach."""

    def __init__(self, project: Project, module: ModuleScopes, scope: Scope) -> None:
        self._project = project
        self._module = module
        self._scope = scope
        self._summaries: dict[ir.Call, Summary | None] = {}
        self._targets: dict[_Key, Target | None] = {}
        self._places: Places | None = None

    def forget(self) -> None:
        """Give back what belongs to a graph that is no longer needed."""
        self._summaries.clear()
        self._targets.clear()
        self._places = None

    def of_call(self, call: ir.Call) -> Summary | None:
        """Give the summary of a call's target; None if it is not one certain function."""
        if call not in self._summaries:
            found = self.target(call)
            self._summaries[call] = None if found is None else Summary(found, call)
        return self._summaries[call]

    def makes_object(self, call: ir.Call) -> bool:
        """Whether a call makes an object of a class of the project."""
        return self._class_made(call) is not None

    def may_leave(self, call: ir.Call) -> bool:
        """Whether some function of the called name might never return."""
        return _last(call) in self._project.acquirers.definitions.may_leave

    def may_raise(self, call: ir.Call) -> bool:
        """Whether some function of the called name raises on purpose."""
        return _last(call) in self._project.acquirers.definitions.raising

    def target(self, call: ir.Call) -> Target | None:
        """Give the function that a call reaches."""
        if call.name is None and call.method is None and call.function is None:
            return None
        key = (call.name, call.method, call.receiver, call.function, len(call.arguments))
        if key not in self._targets:
            self._targets[key] = self._find(call)
        return self._targets[key]

    def leaving(self, call: ir.Call) -> bool:
        """Whether every method of the called name, on whatever class, never returns."""
        if call.method is None:
            return False
        found = self.target(call)
        return (found is None or not found.certain) and self._project.all_leave(call.method)

    def provided(self, call: ir.Call) -> tuple[Provided, ...]:
        """Give the resources that a function of the project acquires for this call."""
        acquirers = self._project.acquirers
        of_own = call.name is None and call.method is None and call.function is not None
        if not of_own and _last(call) not in acquirers.words:
            return ()
        made = self._class_made(call)
        if made is not None:
            found = acquirers.provided.get(f"{made}.__init__", ())
            return tuple(item for item in found if not item.sometimes or _gives_name(call))
        target = self.target(call)
        if target is None:
            return ()
        function = target.function
        if self._project.wrapping(function.module, function.scope) is not Wrapping.DIRECT:
            return ()
        always = acquirers.provided.get(function.qualified_name)
        if always is not None:
            return always
        if function.qualified_name in acquirers.guarded:
            summary = self.of_call(call)
            constants = () if summary is None else summary.constants()
            if constants:
                returning = function.returning(constants)
                return returning.provided if returning.always else ()
        return ()

    def _class_made(self, call: ir.Call) -> str | None:
        """Give the class that a call makes an object of."""
        if call.name is not None:
            return self._project.classes.canonical(call.name)
        is_own = call.method is None and call.function == self_name(self._scope)
        if is_own and call.function is not None and is_class_method(self._scope):
            return own_class(self._module, self._scope)
        return None

    def _find(self, call: ir.Call) -> Target | None:
        if call.name is not None:
            return self._by_name(call.name)
        if call.method is None:
            return self._of_own_class(call)
        owner = self._class_of(call.receiver)
        if owner is not None:
            found = self._project.classes.method(owner, call.method)
            return None if found is None else self._method(*found)
        return self._by_method_name(call, call.method)

    def _of_own_class(self, call: ir.Call) -> Target | None:
        """Find the constructor that a class method calls as ``cls(...)``."""
        owner = self._class_made(call)
        made = None if owner is None else self._project.classes.method(owner, "__init__")
        return None if made is None else self._method(*made)

    def _class_of(self, receiver: ir.Operand | None) -> str | None:
        if isinstance(receiver, ir.Global):
            if receiver.name == f"{_OUTER}{self_name(self._scope)}":
                return own_class(self._module, self._scope)
            return self._project.classes.variable(receiver.name)
        if not isinstance(receiver, str):
            return None
        if self._places is None:
            function = self._project.function(self._module, self._scope)
            self._places = Places(
                function.graph(), self._module, self._scope, self._project.classes
            )
        return self._places.class_of(receiver)

    def _by_name(self, name: str) -> Target | None:
        found = self._project.find(name)
        if found is None:
            return None
        module, local = found
        if local in module.functions:
            scope = module.functions[local]
            if not self._usable(module, scope):
                return None
            return Target(self._project.function(module, scope), is_class_method(scope))
        if local in module.classes:
            made = self._project.classes.method(f"{module.name}.{local}", "__init__")
            return None if made is None else self._method(*made)
        owner, _, last = local.rpartition(".")
        if owner in module.classes:
            inherited = self._project.classes.method(f"{module.name}.{owner}", last)
            if inherited is not None and self._usable(*inherited):
                function = self._project.function(*inherited)
                return Target(function, is_class_method(inherited[1]))
        elif owner:
            of_variable = self._project.classes.variable(f"{module.name}.{owner}")
            if of_variable is not None:
                method = self._project.classes.method(of_variable, last)
                return None if method is None else self._method(*method)
        return None

    def _method(self, module: ModuleScopes, scope: Scope) -> Target | None:
        if not self._usable(module, scope):
            return None
        return Target(self._project.function(module, scope), not is_static(scope))

    def _by_method_name(self, call: ir.Call, method: str) -> Target | None:
        found = self._project.only_method(method)
        if found is None or not self._usable(*found):
            return None
        # A method that calls its own name on something else hands the work on to another class.
        if found[1] is self._scope or not _takes(found[1], call):
            return None
        return Target(self._project.function(*found), not is_static(found[1]), certain=False)

    def _usable(self, module: ModuleScopes, scope: Scope) -> bool:
        return not is_abstract(scope) and self._project.calls_through(module, scope)


def _takes(scope: Scope, call: ir.Call) -> bool:
    """Whether a method has a parameter for every argument of a call."""
    if isinstance(scope.node, ast.Module) or scope.node.args.vararg is not None:
        return True
    listed = len(scope.node.args.posonlyargs) + len(scope.node.args.args)
    return len(call.arguments) + (not is_static(scope)) <= listed


_STREAMS = frozenset(
    {"f", "fp", "fh", "fd", "file", "fileobj", "fobj", "stream", "handle", "buf", "buffer", "io",
     "sock", "socket", "conn", "connection", "fo", "reader", "writer", "infile", "outfile"}
)  # fmt: skip


def _gives_name(call: ir.Call) -> bool:
    """Whether the arguments of a call look like what a class opens, not like what is open."""
    given = call.operands()
    return bool(given) and not any(
        isinstance(item, str) and (item.startswith("%") or item.lower() in _STREAMS)
        for item in given
    )


def _last(call: ir.Call) -> str:
    return (call.name or call.method or "").rpartition(".")[2]
