"""What the bytes of a file say without parsing it: its words, and the functions it defines."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

_WORD_BYTES = bytes(
    byte if byte >= 128 or chr(byte).isalnum() or byte == ord("_") else ord(" ")
    for byte in range(256)
)
_TAIL = 400
_LONGEST_NAME = 80
_NAME = re.compile(rb"\w+")
_OLD_NAME = re.compile(rb"(\w+)[ \t]*\Z")
_NEW_NAME = re.compile(rb"[ \t]*(\w+)[ \t]*[,)#\r\n]")
"""After a colon it is no import: with and except end so."""
_CALLED = re.compile(rb"(\w+)\(")


@dataclass(frozen=True, slots=True)
class Definition:
    """A function as the text shows it.

    Attributes
    ----------
    leaves : bool
        Whether it might never return: there is no return, and it raises or exits.
    raises : bool
        Whether it has a raise.
    calls : tuple of str
        Names called near its end, if there is no return: one of these might never return either.
    """

    name: str
    leaves: bool
    raises: bool
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """One file.

    Attributes
    ----------
    words : frozenset of bytes
        Everything that looks like an identifier, comments and strings included.
    classes : tuple of str
        Names of classes, and names that imports give to anything.
    renamed : tuple of (str, str)
        What imports rename, with the new names.
    """

    words: frozenset[bytes]
    definitions: tuple[Definition, ...]
    classes: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...] = ()


def outline_of(data: bytes) -> Outline:
    """Outline a file; never fails, whatever the bytes are."""
    words = frozenset(data.translate(_WORD_BYTES).split())
    definitions = []
    for part in data.split(b"def ")[1:]:
        name = part[: part.find(b"(")].strip()
        if not 0 < len(name) <= _LONGEST_NAME:
            continue
        leaves = False
        calls: tuple[str, ...] = ()
        if not _comes_back(part):
            tail = part[-_TAIL:]
            leaves = b"raise" in tail or b"exit(" in tail or b"abort(" in tail
            if not leaves:
                calls = tuple(dict.fromkeys(_text(item) for item in _CALLED.findall(tail)))
        definitions.append(Definition(_text(name), leaves, b"raise" in part, calls))
    classes = [
        _text(found[0]) for part in data.split(b"class ")[1:] if (found := _NAME.match(part[:99]))
    ]
    renamed = []
    parts = data.split(b" as ")
    for before, after in itertools.pairwise(parts):
        new = _NEW_NAME.match(after[:_LONGEST_NAME])
        old = _OLD_NAME.search(before[-_LONGEST_NAME:]) if new else None
        if new and old:
            renamed.append((_text(old[1]), _text(new[1])))
    classes.extend(name for _, name in renamed)
    return Outline(
        words, tuple(definitions), tuple(dict.fromkeys(classes)), tuple(dict.fromkeys(renamed))
    )


def _comes_back(part: bytes) -> bool:
    """Whether a line begins with return, or anything yields."""
    if b"yield" in part:
        return True
    at = part.find(b"return")
    while at >= 0:
        if not part[part.rfind(b"\n", 0, at) + 1 : at].strip():
            return True
        at = part.find(b"return", at + 6)
    return False


def _text(name: bytes) -> str:
    return name.decode("utf-8", errors="replace")
