"""Containers that are filled together, of which all but one are emptied again."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.growth import growths
from kimera_leakguard_native.analysis.retention.outline import dotted

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.retention.growth import Growth
    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

_TAKES = frozenset({"pop", "remove", "discard"})


def let_go_beside(outline: Outline, site: Growth) -> tuple[int, str] | None:
    """Say which other container of the same object gives up what this one keeps.

    It is one that the same function empties of the same key, or one that the same function fills
    under the same key and another function empties.
    """
    key = site.key if site.key is not None else (site.values[0] if site.values else None)
    place = _place(site)
    if key is None or place is None or not isinstance(key, (ast.Name, ast.Attribute)):
        return None
    base, _, name = place.rpartition(".")
    text = ast.unparse(key)
    for other, line in _taken_from(site.function, text):
        if other.rpartition(".")[0] == base and other != place:
            return line, f"{other} lets go of {text} here"
    for other in _filled_with(site.function, text):
        owner, _, sibling = other.rpartition(".")
        if owner == base and sibling != name:
            found = _emptied(outline, sibling)
            if found is not None:
                return found, f"{sibling}, which is filled beside it, is emptied here"
    return None


def _place(site: Growth) -> str | None:
    node = site.node
    target: ast.expr | None = None
    if isinstance(node, ast.Assign):
        target = node.targets[0]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        target = called.value if isinstance(called, ast.Attribute) else None
    while isinstance(target, ast.Subscript):
        target = target.value
    place = dotted(target) if target is not None else None
    return place if place is not None and "." in place else None


def _taken_from(function: Definition, text: str) -> list[tuple[str, int]]:
    found = []
    for node in function.body.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _TAKES and node.args and ast.unparse(node.args[0]) == text:
                found.append((dotted(node.func.value), node.lineno))
        elif isinstance(node, ast.Delete):
            found.extend(
                (dotted(item.value), node.lineno)
                for item in node.targets
                if isinstance(item, ast.Subscript) and ast.unparse(item.slice) == text
            )
    return [(place, line) for place, line in found if place is not None]


def _filled_with(function: Definition, text: str) -> set[str]:
    places = {
        place
        for node in function.body.every(ast.Attribute)
        if (place := dotted(node)) is not None and "." in place
    }
    found = set()
    for place in places:
        for other in growths(function, frozenset({place})):
            key = other.key if other.key is not None else (other.values or [None])[0]
            if key is not None and ast.unparse(key) == text:
                found.add(place)
    return found


def _emptied(outline: Outline, name: str) -> int | None:
    pattern = rb"\.%(n)s\.(?:pop|remove|discard|popitem|clear)\(|\bdel +[\w.]*\.%(n)s\["
    match = re.search(pattern % {b"n": re.escape(name.encode())}, outline.source.data)
    return outline.line_of(match.start()) if match is not None else None
