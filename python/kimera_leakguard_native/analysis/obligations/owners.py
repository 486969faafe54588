"""Classes of the project whose objects hold a resource from their construction on.

An object of such a class is a resource by itself: whoever makes one has to call the method that
releases what it holds.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.analysis.dataflow import Tracker
from kimera_leakguard_native.analysis.obligations.duties import PLAIN_RULES, ClassDuties
from kimera_leakguard_native.analysis.obligations.stores import (
    Store,
    is_unconditional,
    self_name,
    stores_of,
)
from kimera_leakguard_native.analysis.obligations.text_index import TextIndex
from kimera_leakguard_native.analysis.obligations.words import says_nothing
from kimera_leakguard_native.analysis.resources.models import Resource
from kimera_leakguard_native.analysis.returned import Provided
from kimera_leakguard_native.analysis.sites import find_sites, may_acquire
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.names import ClassScope, ModuleScopes, Scope
    from kimera_leakguard_native.analysis.obligations.families import Family
    from kimera_leakguard_native.analysis.project import Function, Project


class Owner(NamedTuple):
    """A class whose objects hold a resource: what a call of it gives."""

    name: str
    provided: Provided


def owners_in(
    project: Project, file: str, data: bytes, words: frozenset[str], bases: frozenset[str]
) -> list[Owner]:
    """Find such classes in one file; it is parsed only if its text tells of one.

    Parameters
    ----------
    words : frozenset of str
        Names of what acquires.
    bases : frozenset of str
        Names of the classes whose objects are resources.
    """
    if not (_assigns(data, words) or _derives(data, bases)):
        return []
    module = project.module(project.name_of(file))
    if module is None:
        return []
    owners = []
    for scope in module.classes.values():
        constructor = scope.methods.get("__init__")
        owner = None
        if constructor is not None and may_acquire(constructor, words):
            owner = owner_of(project, module, scope)
        if owner is None and any(base.rpartition(".")[2] in bases for base in scope.bases):
            owner = _heir(project, module, scope)
        if owner is not None:
            owners.append(owner)
    return owners


def _assigns(data: bytes, words: frozenset[str]) -> bool:
    return b"def __init__" in data and any(
        found[1].decode("utf-8", "replace") in words for found in _STORED.finditer(data)
    )


def _derives(data: bytes, bases: frozenset[str]) -> bool:
    return any(
        name.decode("utf-8", "replace") in bases
        for found in _CLASS.finditer(data)
        for name in _NAME.findall(found[1])
    )


_CLASS = re.compile(rb"^[ \t]*class[ \t]+\w+[ \t]*\(([^)]+)\)", re.MULTILINE)
_NAME = re.compile(rb"\w+")
_STORED = re.compile(rb"^[ \t]+(?:self\.)?\w+[ \t]*=[ \t]*(?:\w+\.)*(\w+)\(", re.MULTILINE)


def owner_of(project: Project, module: ModuleScopes, scope: ClassScope) -> Owner | None:
    """Say what every new object of a class holds that its maker must release; None if nothing."""
    constructor = scope.methods.get("__init__")
    if constructor is None:
        return None
    function = project.function(module, constructor)
    store = next(iter(sorted(_held(function), key=is_unconditional, reverse=True)), None)
    if store is None:
        return None
    duties = ClassDuties.of(project, module, scope, TextIndex)
    known = frozenset(name for item in duties.family.members for name in item.scope.methods)
    if gives_itself_away(function, known):
        return None
    if duties.family.open_ended or lives_by_itself(duties.family):
        return None
    methods = duties.releasing(store)
    sometimes = not is_unconditional(store)
    if not methods or (sometimes and not methods & {"close", "__exit__", "__aexit__", "aclose"}):
        return None
    call = store.site.call
    assert call is not None  # only acquisitions by a call are stored
    held = store.site.resource
    resource = owning(held, scope, held.noun, methods)
    # Not the kind itself: what is released, and how, is another object.
    kind = f"{store.site.kind}-owner"
    file = project.file_of(module)
    provided = Provided(kind, None, file, call.line, call.text, resource, sometimes)
    return Owner(f"{module.name}.{scope.name}", provided)


def owning(held: Resource, scope: ClassScope, noun: str, methods: set[str]) -> Resource:
    """Describe the object that holds a resource as a resource."""
    name = scope.name.rpartition(".")[2]
    return Resource(
        rule=held.rule,
        noun=noun if noun.endswith(f" of {name}") else f"{noun} of {name}",
        release=tuple(sorted(methods)),
        context=bool(methods & {"__exit__", "__aexit__"}) or held.context,
    )


def _heir(project: Project, module: ModuleScopes, scope: ClassScope) -> Owner | None:
    """Say what an object is by the constructor of a base; None if its own does not run that."""
    constructor = scope.methods.get("__init__")
    if constructor is not None and not _runs_base(constructor):
        return None
    if any(says_nothing(method.node) for method in scope.methods.values()):
        return None  # perhaps of what the constructor of the base calls
    base = _inherited(project, scope)
    if base is None:
        return None
    duties = ClassDuties.of(project, module, scope, TextIndex)
    known = frozenset(name for item in duties.family.members for name in item.scope.methods)
    if lives_by_itself(duties.family):
        return None
    if constructor is not None:
        function = project.function(module, constructor)
        if gives_itself_away(function, known):
            return None
    held = base.resource
    assert held is not None  # `_inherited` sees to that
    methods = duties.calling(frozenset(held.release)) | set(held.release)
    resource = owning(held, scope, held.noun.partition(" of ")[0], methods)
    file = base.file or project.file_of(module)
    provided = replace(base, file=file, resource=resource)
    return Owner(f"{module.name}.{scope.name}", provided)


def _runs_base(constructor: Scope) -> bool:
    return any(
        isinstance(item, ast.Call)
        and isinstance(item.func, ast.Attribute)
        and item.func.attr == "__init__"
        for statement in constructor.body
        if isinstance(statement, (ast.Expr, ast.Try, ast.With))
        for item in ast.walk(statement)
    )


def _inherited(project: Project, scope: ClassScope) -> Provided | None:
    """Give what the first base that is a resource makes of the object."""
    catalog = project.catalog
    for base in scope.bases:
        name = project.classes.canonical(base)
        if name is not None:
            found = project.acquirers.provided.get(f"{name}.__init__", ())
            if found and found[0].resource is not None:
                return found[0]
            continue
        acquisition = catalog.acquire.get(base)
        if acquisition is None or acquisition.elements or acquisition.given or acquisition.unless:
            continue
        resource = catalog.resources[acquisition.kind]
        if resource.rule in PLAIN_RULES and is_plain(resource):
            kind = acquisition.kind
            return Provided(kind, None, "", scope.node.lineno, base, resource)
    return None


def is_plain(resource: Resource) -> bool:
    """Whether a resource has nothing special about it."""
    return not (resource.tier or resource.owned or resource.background) and resource.collected


def _held(function: Function) -> Iterator[Store]:
    """Give what the constructor stores."""
    graph = function.graph()
    try:
        sites = find_sites(graph, function.project.catalog, function.effects)
        for site in sites:
            if not is_plain(site.resource):
                continue
            flow = Tracker(graph, site, function.frame(), function.effects).run()
            for store in stores_of(function, site, flow):
                if not store.contained:
                    yield store
    except (AnalysisError, RecursionError):
        return


_REFLECTION = frozenset(
    {"isinstance", "id", "type", "repr", "getattr", "setattr", "hasattr", "vars", "super", "print"}
)


def gives_itself_away(function: Function, methods: frozenset[str]) -> bool:
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


def lives_by_itself(family: Family) -> bool:
    """Whether something else than its maker decides how long an object lives."""
    for member in family.members:
        if "__del__" in member.scope.methods:
            return True
        for base in member.scope.node.bases:
            text = ast.unparse(base)
            if text.rpartition(".")[2] in ("Thread", "Process", "TestCase", "Protocol"):
                return True
    return False
