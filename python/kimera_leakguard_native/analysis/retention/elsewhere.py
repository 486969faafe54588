"""What other files of the run do to containers and caches by their names, and classes keep."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.retention.body import parameters
from kimera_leakguard_native.analysis.retention.outline import Outline, dotted, last_name
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimera_leakguard_native.analysis.dependencies import Dependencies
    from kimera_leakguard_native.analysis.retention.outline import Definition

_METHOD = re.compile(
    rb"\.(?:pop|popitem|popleft|clear|remove|discard|cache_clear|difference_update|move_to_end)\b"
)
_DELETION = re.compile(rb"\bdel ([\w.]+)\[")
_REBINDING = re.compile(rb"\.(\w+) = ")
_NAME = re.compile(rb"[\w.]*\Z")
_CLASS = re.compile(rb"^class (\w+)\b", re.MULTILINE)
_MAX_BASES = 4


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
        self._classes: dict[str, list[str]] | None = None
        self._kept: dict[str, frozenset[int | str]] = {}

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

    def keeps(self, name: str, argument: int | str) -> bool:
        """Whether the only class of a name stores an argument of its constructor on the instance.

        Parameters
        ----------
        argument : int or str
            Its position, or its name where it is passed by keyword.
        """
        if len(self._files) < 2:
            return False
        self._dependencies.use_everything()
        if name not in self._kept:
            self._kept[name] = self._kept_by(name)
        return argument in self._kept[name]

    def _kept_by(self, name: str) -> frozenset[int | str]:
        if self._classes is None:
            self._classes = {}
            for path in self._files:
                for match in _CLASS.finditer(_bytes_of(path)):
                    self._classes.setdefault(match[1].decode("utf-8", "replace"), []).append(path)
        for _ in range(_MAX_BASES):
            paths = self._classes.get(name, ())
            if len(paths) != 1:
                return frozenset()
            try:
                outline = Outline(frontend.parse(paths[0], _bytes_of(paths[0])))
            except AnalysisError:
                return frozenset()
            found = next((one for one in outline.classes if one.name == name), None)
            if found is None:
                return frozenset()
            if "__init__" in found.methods:
                return stored_arguments(found.methods["__init__"])
            bases = [base for base in map(last_name, found.node.bases) if base]
            if not bases:
                return frozenset()
            name = bases[0]
        return frozenset()


def stored_arguments(init: Definition) -> frozenset[int | str]:
    """Give the parameters that a constructor stores on the instance as they are."""
    names = parameters(init.node)[1:]
    stored = {
        node.value.id
        for node in init.body.every(ast.Assign)
        if isinstance(node.value, ast.Name)
        and any((dotted(target) or "").startswith(f"{init.self_name}.") for target in node.targets)
    }
    return frozenset(
        one for place, name in enumerate(names) if name in stored for one in (place, name)
    )


def _bytes_of(path: str) -> bytes:
    try:
        return frontend.read(path)
    except AnalysisError:
        return b""


def _names(path: str, word: str) -> bool:
    return re.search(rb"\b" + re.escape(word.encode()) + rb"\b", _bytes_of(path)) is not None


def _shrunk_in(path: str) -> list[tuple[str, bool]]:
    """Give names, each with whether it is an attribute of `self`."""
    data = _bytes_of(path)
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
