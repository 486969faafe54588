"""Variables that a function closes where something fails: by that it says that it owns them.

What a call gives is unknown where no model and no function of the project says so. An ``except``
clause that closes the result and gives up tells as much: until then it was this function's.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.dataflow import Site
from kimera_leakguard_native.analysis.obligations.words import ends_object
from kimera_leakguard_native.analysis.ownership import ALIAS, GivenUp, element_role
from kimera_leakguard_native.analysis.resources.models import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.names import Scope

GIVEN_UP = "object.closed_on_failure"
"""Kind of these sites."""

_CLOSING = re.compile(rb"(?:close|stop|disconnect|shutdown|terminate|release|dispose|abort|kill)")


def may_give_up(data: bytes) -> bool:
    """Whether a text could have such a handler."""
    return b"except" in data and _CLOSING.search(data) is not None


def given_up(scope: Scope) -> list[GivenUp]:
    """Find such handlers in one function, without the functions nested in it."""
    if not any(ends_object(name) for name in scope.called):
        return []
    found: list[GivenUp] = []
    pending: list[ast.AST] = list(scope.body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            continue
        if isinstance(node, ast.Try):
            last = node.body[-1].end_lineno or node.body[-1].lineno
            for handler in node.handlers:
                if not isinstance(handler.body[-1], ast.Raise):
                    continue
                for variable, methods in _closed_in(handler).items():
                    first = node.body[0].lineno
                    found.append(GivenUp(variable, first, last, frozenset(methods)))
        pending.extend(ast.iter_child_nodes(node))
    return found


def _closed_in(handler: ast.ExceptHandler) -> dict[str, set[str]]:
    closed: dict[str, set[str]] = {}
    for item in ast.walk(handler):
        if (
            isinstance(item, ast.Call)
            and isinstance(item.func, ast.Attribute)
            and isinstance(item.func.value, ast.Name)
            and ends_object(item.func.attr)
        ):
            closed.setdefault(item.func.value.id, set()).add(item.func.attr)
    return closed


def sites_given_up(graph: Graph, scope: Scope, known: list[Site]) -> list[Site]:
    """Find the calls whose results a function closes on failure, but for those known to acquire."""
    owned: dict[str, list[GivenUp]] = {}
    for item in given_up(scope):
        name = item.variable
        if name in scope.local_names and name not in graph.parameters and name not in graph.cells:
            owned.setdefault(name, []).append(item)
    if not owned:
        return []
    origins = {site.origin for site in known}
    assigned: dict[str, list[_Made]] = {}
    for name, made in _assigned(graph, frozenset(owned)):
        assigned.setdefault(name, []).append(made)
    sites: dict[tuple[ir.Call, str], Site] = {}
    for name, tried in owned.items():
        methods = tuple(sorted({"close"}.union(*(item.methods for item in tried))))
        resource = Resource(rule="KLG109", noun="handle", release=methods, context=True)
        for item in tried:
            for block, index, call, role in _reaching(assigned.get(name, []), item):
                if call not in origins and not call.managed:
                    site = Site(GIVEN_UP, resource, block, index, call.target, role, call)
                    sites[call, role] = site
    return list(sites.values())


def _reaching(made: list[_Made], tried: GivenUp) -> list[_Made]:
    """Choose the assignments whose value the handler sees: inside, or the last one before."""
    inside = [item for item in made if tried.first <= item[2].line <= tried.last]
    before = [item for item in made if item[2].line < tried.first]
    return [*inside, *before[-1:]]


_Made = tuple[int, int, ir.Call, str]


def _assigned(graph: Graph, names: frozenset[str]) -> Iterator[tuple[str, _Made]]:
    """Give the calls whose result, or an element of it, goes into one of some variables."""
    made: dict[str, _Made] = {}
    for block in graph.blocks:
        for index, item in enumerate(block.instructions):
            if isinstance(item, ir.Call):
                made[item.target] = (block.number, index, item, ALIAS)
            elif isinstance(item, ir.Unpack):
                source = made.get(item.source) if isinstance(item.source, str) else None
                if source is not None and source[3] == ALIAS and not item.starred:
                    for position, place in enumerate(item.targets):
                        made[place] = (*source[:3], element_role(position))
            elif isinstance(item, (ir.Await, ir.Assign)):
                source = made.get(item.source) if isinstance(item.source, str) else None
                if source is None:
                    continue
                made[item.target] = source
                if item.target in names:
                    yield item.target, source
