"""Sockets that listeners of unknown classes accept, known by how the result is taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.dataflow import Site
from kimera_leakguard_native.analysis.ownership import element_role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.function import Function

_LIKE = "socket.socket"
_PAIR = 2


def accepted_sockets(function: Function, known: list[Site]) -> Iterator[Site]:
    """Find ``connection, address = listener.accept()`` where nothing is known of the listener."""
    origins = {site.origin for site in known}
    own = {name for owner in function.module.classes.values() for name in owner.methods}
    if "accept" in own and not function.scope.name.endswith(".accept"):
        return
    catalog = function.project.catalog
    kind = catalog.acquire[_LIKE].kind
    made: dict[str, Site] = {}
    for block in function.graph().blocks:
        for index, item in enumerate(block.instructions):
            if (
                isinstance(item, ir.Call)
                and item.method == "accept"
                and not item.operands()
                and item not in origins
            ):
                where = block.number, index
                resource = catalog.resources[kind]
                made[item.target] = Site(kind, resource, *where, item.target, element_role(0), item)
            elif isinstance(item, ir.Unpack) and len(item.targets) == _PAIR and not item.starred:
                site = made.pop(str(item.source), None)
                if site is not None:
                    yield site
