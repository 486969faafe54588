"""What other files of the run do to containers and caches by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimera_leakguard_native.analysis.dependencies import Dependencies

_METHOD = re.compile(
    rb"\.(?:pop|popitem|popleft|clear|remove|discard|cache_clear|difference_update|move_to_end)\b"
)
_DELETION = re.compile(rb"\bdel ([\w.]+)\[")
_REBINDING = re.compile(rb"\.(\w+) = ")
_NAME = re.compile(rb"[\w.]*\Z")


class Elsewhere:
    """An index over all files of the run, made when something first asks.

    Parameters
    ----------
    files : sequence of str
        All files of the run.
    dependencies : Dependencies
        Told when an answer rests on all of them.
    """

    def __init__(self, files: Sequence[str], dependencies: Dependencies) -> None:
        self._files = files
        self._dependencies = dependencies
        self._shrunk: dict[str, list[tuple[str, bool]]] | None = None

    def shrinks(self, name: str, owner: str | None, file: str) -> bool:
        """Whether a file other than the given one shrinks, clears or rebinds what is called so.

        Parameters
        ----------
        owner : str or None
            The class whose attribute it is: what other instances do to an attribute of their own
            counts only where that class is named.
        """
        if len(self._files) < 2:
            return False
        self._dependencies.use_everything()
        if self._shrunk is None:
            self._shrunk = {}
            for path in self._files:
                for one, own in _shrunk_in(path):
                    self._shrunk.setdefault(one, []).append((path, own))
        return any(
            path != file and (not own or owner is None or _names(path, owner))
            for path, own in self._shrunk.get(name, ())
        )


def _names(path: str, word: str) -> bool:
    try:
        data = frontend.read(path)
    except AnalysisError:
        return False
    return re.search(rb"\b" + re.escape(word.encode()) + rb"\b", data) is not None


def _shrunk_in(path: str) -> list[tuple[str, bool]]:
    """Give names, each with whether it is an attribute of `self`."""
    try:
        data = frontend.read(path)
    except AnalysisError:
        return []
    names: dict[tuple[bytes, bool], None] = {}
    for match in _METHOD.finditer(data):
        before = _NAME.search(data, max(0, match.start() - 80), match.start())
        if before is not None:
            _note(names, before[0])
    for match in _DELETION.finditer(data):
        _note(names, match[1])
    for match in _REBINDING.finditer(data):
        # What an instance binds on itself is its own attribute, not somebody else's.
        if data[max(0, match.start() - 4) : match.start()] != b"self":
            names[match[1], False] = None
    return [(name.decode("utf-8", "replace"), own) for name, own in names if name]


def _note(names: dict[tuple[bytes, bool], None], chain: bytes) -> None:
    names[chain.rpartition(b".")[2], chain.startswith(b"self.")] = None
