"""Streams in memory and of somebody else: what wraps one has no descriptor of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.cfg import Graph

_STREAMS = frozenset({"io.BytesIO", "io.StringIO", "_io.BytesIO", "_io.StringIO"})
_FIRST = frozenset(
    {
        "zipfile.ZipFile", "zipfile.PyZipFile", "gzip.open", "bz2.open", "bz2.BZ2File", "lzma.open",
        "lzma.LZMAFile", "io.TextIOWrapper", "io.BufferedReader", "wave.open", "aifc.open",
        "sunau.open",
    }
)  # fmt: skip
"""Callables that wrap their first argument, if it is no path."""
_STREAM_NAME = re.compile(
    r"_?(?:f|fp|fh|fo|fd|file|fileobj|file_obj|fileobject|file_object|stream|buf|buffer|bio|handle"
    r"|infile|outfile|\w+_(?:fp|fh|stream|buf|buffer|fileobj|handle|io))"
)


def memory_places(graph: Graph) -> frozenset[str]:
    """Give the places of streams in memory, and of those that a with statement closes."""
    sources: dict[str, list[ir.Operand]] = {}
    others: set[str] = set(graph.parameters) | graph.cells
    found: set[str] = set()
    entered: set[ir.Operand] = set()
    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.Call):
                if item.name in _STREAMS:
                    found.add(item.target)
            elif isinstance(item, ir.Assign):
                sources.setdefault(item.target, []).append(item.source)
            elif isinstance(item, ir.Unpack):
                others.update(item.targets)
            elif isinstance(item, ir.Enter):
                entered.add(item.target)
    managed = {place for place, given in sources.items() if any(one in entered for one in given)}
    if not found:
        return frozenset(managed)
    for _ in range(3):  # names of names of names
        found.update(
            place
            for place, given in sources.items()
            if place not in others and all(one in found for one in given)
        )
    return frozenset(found | managed)


def wraps_stream(call: ir.Call, in_memory: frozenset[str]) -> bool:
    """Whether a call opens an archive, a sound or a compressed file over an open stream."""
    keywords = dict(call.keywords)
    wrapped = [keywords[name] for name in ("fileobj", "file") if name in keywords]
    if call.name in _FIRST and call.arguments:
        wrapped.append(call.arguments[0])
    return any(
        isinstance(one, str) and (one in in_memory or _STREAM_NAME.fullmatch(one))
        for one in wrapped
    )
