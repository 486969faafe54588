"""What the arguments of a call may be, through the variables that stand for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kimera_leakguard_native.analysis.cfg import Graph

_MAX_VALUES = 16


class ArgumentValues:
    """Constants and global names by the places that hold one of them on some path."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._sources: dict[str, list[ir.Operand]] = {}
        self._displays: dict[str, list[tuple[str, ir.Operand]]] = {}
        self._read = False

    def given(self, call: ir.Call) -> Iterator[tuple[str, ir.Operand]]:
        """Give the arguments by keyword or position, with each value that they may have."""
        pairs = [*call.keywords, *((str(i), one) for i, one in enumerate(call.arguments))]
        for name, operand in pairs:
            if name != "**":
                yield from ((name, value) for value in self._values(operand))
                continue
            for place in (operand, *self._values(operand)):
                for key, value in self._displays.get(str(place), ()):
                    yield from ((key, one) for one in self._values(value))

    def _values(self, operand: ir.Operand) -> list[ir.Operand]:
        if not isinstance(operand, str):
            return [operand]
        if not self._read:
            self._collect()
        found: dict[ir.Operand, None] = {operand: None}
        pending = [operand]
        while pending and len(found) < _MAX_VALUES:
            for source in self._sources.get(pending.pop(), ()):
                if source not in found:
                    found[source] = None
                    if isinstance(source, str):
                        pending.append(source)
        return list(found)

    def _collect(self) -> None:
        self._read = True
        for block in self._graph.blocks:
            for item in block.instructions:
                if isinstance(item, ir.Assign):
                    self._sources.setdefault(item.target, []).append(item.source)
                elif isinstance(item, ir.Build) and item.kind == "dict":
                    pairs = zip(item.elements[::2], item.elements[1::2], strict=False)
                    self._note(item.target, pairs)
                elif isinstance(item, ir.SetItem) and isinstance(item.object, str):
                    self._note(item.object, [(item.key, item.source)])
                elif isinstance(item, ir.Call) and item.name == "builtins.dict":
                    self._displays.setdefault(item.target, []).extend(item.keywords)

    def _note(self, place: str, pairs: Iterable[tuple[ir.Operand, ir.Operand]]) -> None:
        for key, value in pairs:
            if isinstance(key, ir.Literal) and isinstance(key.value, str):
                self._displays.setdefault(place, []).append((key.value, value))
