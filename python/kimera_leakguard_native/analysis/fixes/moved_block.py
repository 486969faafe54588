"""Statements that go into a block of their own: one step to the right, between new lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.release_text import is_release
from kimera_leakguard_native.analysis.fixes.splice import Splice

if TYPE_CHECKING:
    import ast

    from kimera_leakguard_native.analysis.fixes.document import Document
    from kimera_leakguard_native.analysis.fixes.spot import Spot


def indented(
    document: Document, first: int, last: int, prefix: str, *, without: list[tuple[int, int]]
) -> list[Splice]:
    """Move lines to the right, but for the offsets that another splice replaces."""
    return [
        Splice(place, place, unit)
        for place, unit in document.indent(first, last, prefix)
        if not any(start < place < end for start, end in without)
    ]


def lines_of(document: Document, *texts: str) -> str:
    """Join lines with the file's line ending, one at the end too."""
    return "".join(f"{text}{document.newline}" for text in texts)


def end_of(document: Document, node: ast.stmt) -> int:
    """Give the offset where a line after a statement begins."""
    return document.line_end(node.end_lineno or node.lineno)


def missing_newline(document: Document, node: ast.stmt) -> str:
    """Give the line ending that a new line after a statement needs in front of it."""
    end = end_of(document, node)
    return "" if document.text[end - 1 : end] in ("\n", "\r") else document.newline


def without_last_release(
    spot: Spot, statements: list[ast.stmt], name: str
) -> tuple[list[ast.stmt], list[Splice]]:
    """Drop a release at the end of the statements: the block does it.

    Returns
    -------
    kept, removals
        The statements that stay, and what cuts the release out.
    """
    document = spot.document
    if not statements or not is_release(spot, statements[-1], name):
        return statements, []
    last = statements[-1]
    if not document.stands_alone(last) or document.comment_after(last) or len(statements) == 1:
        return statements, []
    before = statements[-2]
    if (before.end_lineno or before.lineno) >= last.lineno:
        return statements, []
    cut = Splice(document.line_start(last.lineno), end_of(document, last), "")
    return statements[:-1], [cut]
