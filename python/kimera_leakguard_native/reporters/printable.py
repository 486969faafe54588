"""Names that others chose, as a terminal may be shown them."""

from __future__ import annotations


def printable(line: str) -> str:
    """Write characters that a terminal would obey, and all others that do not print, as escapes."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in line
    )
