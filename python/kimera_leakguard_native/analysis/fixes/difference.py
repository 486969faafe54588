"""A unified diff of a file and its fixed version, with line endings as they are."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.document import Document

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.rewriting import Rewritten


def unified(change: Rewritten) -> str:
    """Give the diff; empty if nothing changed."""
    before, after = Document(change.before), Document(change.after)
    lines = difflib.unified_diff(
        _lines(before), _lines(after), change.path, change.path, lineterm="\n"
    )
    parts = []
    for line in lines:
        parts.append(line)
        if not line.endswith(("\n", "\r")):
            parts.append("\n\\ No newline at end of file\n")
    return "".join(parts)


def _lines(document: Document) -> list[str]:
    found = [
        document.text[document.line_start(n) : document.line_end(n)]
        for n in range(1, document.line_count + 1)
    ]
    return found if found and found[-1] else found[:-1]
