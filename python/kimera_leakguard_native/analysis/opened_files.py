"""Files that methods of unknown objects open, known by what the function does with them.

Whatever class a path or a file system has, what its ``open()`` gives is a file where somebody reads
its lines, or hands it to a function that reads files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.dataflow import Site
from kimera_leakguard_native.analysis.obligations.words import ends_object
from kimera_leakguard_native.analysis.ownership import ALIAS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.effects import Effects
    from kimera_leakguard_native.analysis.function import Function

_LIKE = "pathlib.Path.open"
_OPENING = frozenset({"open", "open_file", "openfile", "open_text", "open_binary"})
_READING = frozenset({"read", "readline", "readlines", "write", "writelines", "close"})
_READERS = frozenset({"load", "dump", "safe_load", "safe_dump", "load_all", "copyfileobj", "parse"})
_MEMBERS = ("zip", "tar", "archive", "zf", "tf")
"""In names of archives: their members share the archive's own file."""


def opened_files(function: Function, known: list[Site]) -> Iterator[Site]:
    """Find the calls of such methods, but for those that are known to acquire or not to."""
    graph, effects = function.graph(), function.effects
    catalog = function.project.catalog
    made: dict[str, tuple[ir.Call, Site]] = {}
    origins = {site.origin for site in known}
    # Files of a module's own making need not be such as the system has to close.
    own = {name for owner in function.module.classes.values() for name in owner.methods}
    kind = catalog.acquire[_LIKE].kind
    resource = catalog.resources[kind]
    for block in graph.blocks:
        for index, item in enumerate(block.instructions):
            if (
                isinstance(item, ir.Call)
                and item.method in _OPENING
                and item not in origins
                and _opens(item, graph, effects)
                and item.method not in own
            ):
                site = Site(kind, resource, block.number, index, item.target, ALIAS, item)
                made[item.target] = item, site
    if not made:
        return
    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.Assign) and item.source in made:
                made[item.target] = made[str(item.source)]
    used = {
        place
        for block in graph.blocks
        for item in block.instructions
        for place in _as_files(item)
        if isinstance(place, str)
    }
    found = {id(call): site for place, (call, site) in made.items() if place in used}
    yield from found.values()


def _opens(call: ir.Call, graph: Graph, effects: Effects) -> bool:
    if call.managed or not isinstance(call.receiver, str):
        return False
    if call.receiver in graph.parameters[:1] and call.receiver in ("self", "cls"):
        return False
    summary = effects.summary(call)
    if summary is not None and summary.certain:
        return False
    return not (_is_archive(call.receiver, graph) or _is_ended(call.receiver, graph))


def _is_ended(place: str, graph: Graph) -> bool:
    """Whether the function ends the object itself, and with it perhaps what it has opened."""
    return any(
        isinstance(item, ir.Call)
        and item.receiver == place
        and (ends_object(item.method or "") or item.method in ("commit", "rollback", "save"))
        for block in graph.blocks
        for item in block.instructions
    )


def _is_archive(place: str, graph: Graph) -> bool:
    names = [place]
    for block in graph.blocks:
        names.extend(
            item.attribute
            for item in block.instructions
            if isinstance(item, ir.GetAttribute) and item.target == place
        )
    return any(part in name.lower() for name in names for part in _MEMBERS)


def _as_files(item: ir.Instruction) -> tuple[ir.Operand, ...]:
    """Give the places that an instruction uses as only files can be used."""
    if isinstance(item, ir.Iterate):
        return (item.source,)
    if not isinstance(item, ir.Call):
        return ()
    if item.method in _READING and item.receiver is not None:
        return (item.receiver,)
    if (item.method or (item.name or "").rpartition(".")[2]) in _READERS:
        return item.operands()
    return ()
