"""Methods that open what their object holds: ``client.connect()``, with a method that closes it.

From such a call on, the object is a resource of whoever made it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.dataflow import Tracker
from kimera_leakguard_native.analysis.obligations.duties import ClassDuties
from kimera_leakguard_native.analysis.obligations.owners import (
    gives_itself_away,
    is_plain,
    lives_by_itself,
    owning,
)
from kimera_leakguard_native.analysis.obligations.stores import Store, stores_of
from kimera_leakguard_native.analysis.obligations.text_index import TextIndex
from kimera_leakguard_native.analysis.obligations.words import is_closer
from kimera_leakguard_native.analysis.returned import Provided
from kimera_leakguard_native.analysis.sites import find_sites, may_acquire
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.names import ClassScope, ModuleScopes
    from kimera_leakguard_native.analysis.project import Function, Project

OPENING = frozenset(
    {"connect", "open", "start", "listen", "bind", "login", "connect_async", "aopen", "initialize"}
)
_DEFINED = re.compile(rb"^[ \t]+(?:async[ \t]+)?def (\w+)\(", re.MULTILINE)
_STORED = re.compile(
    rb"^[ \t]+self\.\w+[ \t]*=[ \t]*(?:await[ \t]+)?(?:\w+\.)*(\w+)\(", re.MULTILINE
)


def may_open(data: bytes, words: frozenset[str]) -> bool:
    """Whether the text of a file has a method of such a name, and stores what acquires."""
    if b"self." not in data or not any(
        name.decode("utf-8", "replace") in OPENING for name in _DEFINED.findall(data)
    ):
        return False
    return any(name.decode("utf-8", "replace") in words for name in _STORED.findall(data))


def openers_in(
    project: Project, file: str, words: frozenset[str]
) -> Iterator[tuple[str, Provided]]:
    """Give the methods of one file that open, with what the object holds afterwards."""
    module = project.module(project.name_of(file))
    if module is None:
        return
    for scope in module.classes.values():
        if not any(map(is_closer, scope.methods)):
            continue
        for name in OPENING.intersection(scope.methods):
            if may_acquire(scope.methods[name], words):
                opened = _opened(project, module, scope, name)
                if opened is not None:
                    yield f"{module.name}.{scope.name}.{name}", opened


def _opened(
    project: Project, module: ModuleScopes, scope: ClassScope, name: str
) -> Provided | None:
    """Say what an object holds after one of its methods; None if that is not its maker's duty."""
    function = project.function(module, scope.methods[name])
    store = next(_kept(function), None)
    if store is None:
        return None
    duties = ClassDuties.of(project, module, scope, TextIndex)
    if duties.family.open_ended or lives_by_itself(duties.family):
        return None
    known = frozenset(method for item in duties.family.members for method in item.scope.methods)
    constructor = duties.family.method("__init__")
    ways = [function]
    if constructor is not None:
        ways.append(project.function(constructor[0].module, constructor[1]))
    if any(gives_itself_away(way, known) for way in ways):
        return None
    methods = duties.releasing(store)
    if not any(map(is_closer, methods)) or name in methods:
        return None
    held = store.site.resource
    call = store.site.call
    assert call is not None  # only acquisitions by a call are stored
    resource = owning(held, scope, held.noun, methods)
    file = project.file_of(module)
    kind = f"{store.site.kind}-owner"
    return Provided(kind, None, file, call.line, call.text, resource, by_receiver=True)


def _kept(function: Function) -> Iterator[Store]:
    graph = function.graph()
    try:
        for site in find_sites(graph, function.project.catalog, function.effects):
            if is_plain(site.resource):
                flow = Tracker(graph, site, function.frame(), function.effects).run()
                yield from (one for one in stores_of(function, site, flow) if not one.contained)
    except (AnalysisError, RecursionError):
        return
