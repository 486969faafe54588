"""How the release of a resource is written: ``file.close()``, ``os.close(number)``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.analysis.fixes import imports
from kimera_leakguard_native.analysis.fixes.endings import ending

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.splice import Splice
    from kimera_leakguard_native.analysis.fixes.spot import Spot

_NAMES = {
    "file": ("file", "opened"),
    "temporary-file": ("temporary", "scratch"),
    "archive": ("archive", "opened"),
    "socket": ("sock", "connection"),
    "descriptor": ("descriptor", "number"),
}


class Manager(NamedTuple):
    """What to write in a with statement: the text around the acquiring call."""

    before: str
    after: str
    imports: tuple[Splice, ...]


def name_for(spot: Spot) -> str:
    """Give a free variable name for the resource."""
    last = spot.finding.resource.rpartition("-")[2]
    return spot.fresh(*_NAMES.get(spot.finding.resource, (last, "resource")))


def manager(spot: Spot) -> Manager | None:
    """Say how the acquiring call is entered; None if a with statement cannot release it."""
    end = ending(spot.finding.resource, spot.callee)
    if end is None:
        return None
    if end.entered:
        return Manager("", "", ())
    if end.method != "close":
        return None
    found = imports.module(spot, "contextlib")
    return None if found is None else Manager(f"{found[0]}.closing(", ")", found[1])


def statement(spot: Spot, name: str) -> tuple[str, tuple[Splice, ...]] | None:
    """Write the statement that releases a variable, and the imports that it takes."""
    resource = spot.resource
    if resource is None:
        return None
    end = ending(spot.finding.resource, spot.callee)
    if end is not None:
        return f"{name}.{end.method}()", ()
    if spot.finding.resource != "descriptor":
        return None
    for function in resource.functions:
        owner, _, called = function.rpartition(".")
        found = imports.module(spot, owner) if "." not in owner else None
        if found is not None:
            return f"{found[0]}.{called}({name})", found[1]
    return None


def is_release(spot: Spot, node: ast.stmt, name: str) -> bool:
    """Whether a statement does nothing but release a variable."""
    resource = spot.resource
    if resource is None or not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    call = node.value
    if isinstance(call.func, ast.Attribute) and not call.args and not call.keywords:
        owner = call.func.value
        return (
            isinstance(owner, ast.Name) and owner.id == name and call.func.attr in resource.release
        )
    called = ast.unparse(call.func)
    return (
        called in resource.functions
        and len(call.args) == 1
        and isinstance(call.args[0], ast.Name)
        and call.args[0].id == name
    )
