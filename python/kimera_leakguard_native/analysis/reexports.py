"""Names of libraries that one module of the project imports for the others.

``from .compat import httplib`` stands for ``http.client`` where the module beside it says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

Exports = dict[str, dict[str, str]]
"""By module: the names that it binds to something of a library, with what they stand for."""

_STAND_INS = {
    "eventlet.green": "",
    "gevent.socket": "socket",
    "gevent.ssl": "ssl",
    "gevent.subprocess": "subprocess",
    "gevent.select": "select",
    "gevent.selectors": "selectors",
    "gevent.os": "os",
    "six.moves.urllib": "urllib",
    "six.moves.http_client": "http.client",
    "six.moves.socketserver": "socketserver",
    "six.moves.winreg": "winreg",
    "six.moves.cPickle": "pickle",
    "six.moves.configparser": "configparser",
    "future.moves.urllib": "urllib",
    "future.moves.http": "http",
    "torch.multiprocessing": "multiprocessing",
    "multiprocess": "multiprocessing",
    "billiard": "multiprocessing",
    "backports.tempfile": "tempfile",
}
"""Modules of libraries that have the names of one of the standard library, by that one."""

IMPORTS = re.compile(
    rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+(\([^)]*\)|[^\n#;]*)", re.MULTILINE
)
_COMMENT = re.compile(rb"#[^\n]*")
_BOUND = re.compile(rb"([\w.]+)(?:\s+as\s+(\w+))?")


def imported_from_libraries(data: bytes, roots: Container[str]) -> dict[str, str]:
    """Give the names that the import statements of a file bind, for libraries with these roots."""
    found: dict[str, str] = {}
    for match in IMPORTS.finditer(data):
        base = (match[1] or b"").decode(errors="replace")
        if base and base.partition(".")[0] not in roots:
            continue
        for one in _BOUND.finditer(_COMMENT.sub(b"", match[2])):
            name = one[1].decode(errors="replace")
            alias = (one[2] or b"").decode(errors="replace")
            if base:
                found[alias or name] = original_name(f"{base}.{name}")
            elif name.partition(".")[0] in roots:
                root = name.partition(".")[0]
                found[alias or root] = original_name(name) if alias else root
    return found


class PassedOn:
    """What the modules of a project pass on to each other, by name."""

    def __init__(self, exports: Exports) -> None:
        self.targets: dict[str, set[str]] = {}
        """What a name stands for, wherever it is bound."""
        self._of_module: dict[str, set[str]] = {}
        """Names by the last part of the name of a module that binds them."""
        for module, names in exports.items():
            self._of_module.setdefault(module.rpartition(".")[2], set()).update(names)
            for name, target in names.items():
                self.targets.setdefault(name, set()).add(target)

    @property
    def renamed(self) -> dict[str, list[str]]:
        """What names stand for that do not say so themselves."""
        return {
            name: sorted(targets) for name, targets in self.targets.items() if targets != {name}
        }

    def given(self, imported: set[str], words: frozenset[bytes]) -> list[tuple[str, str]]:
        """Give the names that a file may get from others, with what they stand for.

        Parameters
        ----------
        imported : set of str
            All words in the import statements of the file.
        words : frozenset of bytes
            All words of the file.
        """
        names = imported & self.targets.keys()
        for module in imported & self._of_module.keys():
            names |= {name for name in self._of_module[module] if name.encode() in words}
        return [(name, target) for name in sorted(names) for target in sorted(self.targets[name])]


def original(name: str, exports: Mapping[str, Mapping[str, str]]) -> str:
    """Give the name in its library of what a name in the project stands for; else the name."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        names = exports.get(".".join(parts[:cut]))
        if names is not None:
            target = names.get(parts[cut])
            return name if target is None else ".".join([target, *parts[cut + 1 :]])
    return name


def through_star(
    name: str, modules: Iterable[str], exports: Mapping[str, Mapping[str, str]]
) -> str | None:
    """Give what a name stands for that ``from module import *`` may have bound."""
    for module in modules:
        target = exports.get(module, {}).get(name)
        if target is not None and not name.startswith("_"):
            return target
    return None


def original_name(name: str) -> str:
    """Give the name in the standard library that a name of a stand-in for it has."""
    for length in (2, 1, 3):
        parts = name.split(".", length)
        original = _STAND_INS.get(".".join(parts[:length]))
        if original is None:
            continue
        if len(parts) > length:
            return f"{original}.{parts[length]}" if original else parts[length]
        return original or name
    return name
