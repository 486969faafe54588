"""Classes of the project whose objects hold a resource from their construction on.

An object of such a class is a resource by itself: whoever makes one has to call the method that
releases what it holds.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.analysis.dataflow import Tracker
from kimera_leakguard_native.analysis.obligations.duties import ClassDuties
from kimera_leakguard_native.analysis.obligations.stores import (
    Store,
    is_unconditional,
    self_name,
    stores_of,
)
from kimera_leakguard_native.analysis.obligations.text_index import TextIndex
from kimera_leakguard_native.analysis.resources.models import Resource
from kimera_leakguard_native.analysis.returned import Provided
from kimera_leakguard_native.analysis.sites import find_sites, may_acquire
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.names import ClassScope, ModuleScopes
    from kimera_leakguard_native.analysis.obligations.families import Family
    from kimera_leakguard_native.analysis.project import Function, Project


class Owner(NamedTuple):
    """A class whose objects hold a resource.

    Attributes
    ----------
    resource : Resource
        The object as a resource: released by the methods that release what it holds.
    store : Store
        Where the object acquires.
    """

    name: str
    resource: Resource
    store: Store

    def provided(self, file: str) -> Provided:
        """Describe what a call of the class gives."""
        call = self.store.site.call
        assert call is not None  # only acquisitions by a call are stored
        # Not the kind itself: what is released, and how, is another object.
        kind = f"{self.store.site.kind}-owner"
        return Provided(kind, None, file, call.line, call.text, self.resource)


def owners_in(project: Project, file: str, data: bytes, words: frozenset[str]) -> list[Owner]:
    """Find such classes in one file; it is parsed only if its text assigns such a call to self."""
    if not any(found[1].decode("utf-8", "replace") in words for found in _STORED.finditer(data)):
        return []
    module = project.module(project.name_of(file))
    if module is None:
        return []
    owners = []
    for scope in module.classes.values():
        constructor = scope.methods.get("__init__")
        if constructor is not None and may_acquire(constructor, words):
            owner = owner_of(project, module, scope)
            if owner is not None:
                owners.append(owner)
    return owners


_STORED = re.compile(rb"self\.\w+[ \t]*=[ \t]*(?:\w+\.)*(\w+)\(")


def owner_of(project: Project, module: ModuleScopes, scope: ClassScope) -> Owner | None:
    """Say what every new object of a class holds that its maker must release; None if nothing."""
    constructor = scope.methods.get("__init__")
    if constructor is None:
        return None
    function = project.function(module, constructor)
    store = next(_held(function), None)
    if store is None:
        return None
    duties = ClassDuties.of(project, module, scope, TextIndex)
    known = frozenset(name for item in duties.family.members for name in item.scope.methods)
    if _gives_itself_away(function, known):
        return None
    if duties.family.open_ended or _lives_by_itself(duties.family):
        return None
    methods = duties.releasing(store)
    if not methods:
        return None
    held = store.site.resource
    name = scope.name.rpartition(".")[2]
    resource = Resource(
        rule=held.rule,
        noun=f"{held.noun} of {name}",
        release=tuple(sorted(methods)),
        context=bool(methods & {"__exit__", "__aexit__"}),
    )
    return Owner(f"{module.name}.{scope.name}", resource, store)


def _held(function: Function) -> Iterator[Store]:
    """Give what the constructor stores, whatever happens."""
    graph = function.graph()
    try:
        sites = find_sites(graph, function.project.catalog, function.effects)
        for site in sites:
            if site.resource.tier or site.resource.owned or not site.resource.collected:
                continue
            flow = Tracker(graph, site, function.frame(), function.effects).run()
            for store in stores_of(function, site, flow):
                if not store.contained and is_unconditional(store):
                    yield store
    except (AnalysisError, RecursionError):
        return


_REFLECTION = frozenset(
    {"isinstance", "id", "type", "repr", "getattr", "setattr", "hasattr", "vars", "super", "print"}
)


def _gives_itself_away(function: Function, methods: frozenset[str]) -> bool:
    """Whether the constructor makes the object known to somebody who may keep or release it."""
    owner = self_name(function)
    pending: list[ast.AST] = list(function.scope.body)
    while pending:
        node = pending.pop()
        looked_at: list[ast.AST] = []
        if isinstance(node, ast.Call) and not _is_harmless(node):
            looked_at = [*node.args, *(item.value for item in node.keywords)]
        elif isinstance(node, (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)):
            looked_at = [node]
        elif isinstance(node, ast.Assign):
            looked_at = [node.value]
        if any(_refers(item, owner, methods) for item in looked_at):
            return True
        pending.extend(ast.iter_child_nodes(node))
    return False


def _is_harmless(call: ast.Call) -> bool:
    func = call.func
    if isinstance(func, ast.Attribute):
        return func.attr == "__init__"
    return isinstance(func, ast.Name) and func.id in _REFLECTION


def _refers(root: ast.AST, owner: str | None, methods: frozenset[str]) -> bool:
    """Whether an expression may give somebody the object, by itself or by one of its methods."""
    pending: list[ast.AST] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Call):
            # Calling a method gives its result to others, not the object.
            pending.extend([*node.args, *(item.value for item in node.keywords)])
            if not (isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)):
                pending.append(node.func)
            continue
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == owner
        ):
            if node.attr in methods:
                return True
            continue
        if isinstance(node, ast.Name) and node.id == owner:
            return True
        pending.extend(ast.iter_child_nodes(node))
    return False


def _lives_by_itself(family: Family) -> bool:
    """Whether something else than its maker decides how long an object lives."""
    for member in family.members:
        if "__del__" in member.scope.methods:
            return True
        for base in member.scope.node.bases:
            text = ast.unparse(base)
            if text.rpartition(".")[2] in ("Thread", "Process", "TestCase", "Protocol"):
                return True
    return False
