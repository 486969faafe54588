"""Replacements of pieces of a text, applied together."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.model.finding import Edit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.analysis.fixes.document import Document


class Splice(NamedTuple):
    """Replace what stands between two offsets; an insertion if they are equal."""

    start: int
    end: int
    text: str


def ordered(splices: Iterable[Splice]) -> tuple[Splice, ...]:
    """Sort splices by place; insertions at one place keep their order.

    Raises
    ------
    ValueError
        Two of them want to change the same text.
    """
    result = sorted(splices, key=lambda item: (item.start, item.end))
    for one, two in itertools.pairwise(result):
        if two.start < one.end:
            raise ValueError("overlapping edits")
    return tuple(result)


def applied(text: str, splices: Iterable[Splice]) -> str:
    """Give the text after all splices."""
    parts: list[str] = []
    position = 0
    for splice in ordered(splices):
        parts += (text[position : splice.start], splice.text)
        position = splice.end
    parts.append(text[position:])
    return "".join(parts)


def edits(document: Document, file: str, splices: Iterable[Splice]) -> tuple[Edit, ...]:
    """Turn splices into edits by line and column."""
    return tuple(
        Edit(file, document.position(item.start), document.position(item.end), item.text)
        for item in ordered(splices)
    )


def offsets(document: Document, found: Iterable[Edit]) -> tuple[Splice, ...]:
    """Turn edits by line and column back into splices."""
    return tuple(
        Splice(
            document.line_start(item.start[0]) + item.start[1] - 1,
            document.line_start(item.end[0]) + item.end[1] - 1,
            item.text,
        )
        for item in found
    )
