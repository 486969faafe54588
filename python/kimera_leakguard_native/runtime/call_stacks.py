"""Call stacks as a sampler has interned them, and which of their frames are the application's."""

from __future__ import annotations

import functools
import os
import site
import sysconfig
from typing import TYPE_CHECKING

from kimera_leakguard_native.model.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native import _core

_PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_WATCHING = os.path.join(_PACKAGE, "runtime") + os.sep


class CallStacks:
    """Names the stacks of one capture; node 0 is the unknown stack."""

    def __init__(self) -> None:
        self._nodes: list[tuple[int, int, int]] = []
        self._codes: list[tuple[str, str]] = []
        self._stacks: dict[int, tuple[Frame, ...]] = {}
        self._own: dict[int, bool] = {}

    def read(self, capture: _core.sampler.Capture) -> None:
        """Take over what was interned since the last call.

        Call it after reading samples, never before: what they name has then been published.
        """
        self._nodes += capture.new_nodes()
        self._codes += capture.new_codes()

    def frames(self, node: int) -> tuple[Frame, ...]:
        """Give the calls of a stack, innermost first."""
        known = self._stacks.get(node)
        if known is None:
            frames = []
            at = node
            while at:
                at, code, line = self._nodes[at]
                file, function = self._codes[code]
                frames.append(Frame(file, line, function))
            known = self._stacks[node] = tuple(frames)
        return known

    def site(self, node: int) -> Frame | None:
        """Give the frame to blame for a stack; None where there is no stack.

        The innermost application frame: the line of the standard library or of a package that
        allocates for the application tells its author nothing. Without one, the innermost frame.
        """
        frames = self.frames(node)
        for frame in frames:
            if is_application(frame.file):
                return frame
        return frames[0] if frames else None

    def tree(
        self, nodes: Iterable[int]
    ) -> tuple[list[tuple[str, str]], list[tuple[int, int, int]], dict[int, int]]:
        """Give the calls that lead to some stacks, as a `HeapProfile` has them.

        Returns
        -------
        names, calls : list
            As in `HeapProfile`.
        numbers : dict of int to int
            Number in `calls` by node.
        """
        needed = {0}
        for node in nodes:
            at = node
            while at not in needed:
                needed.add(at)
                at = self._nodes[at][0]
        calls: list[tuple[int, int, int]] = []
        numbers = {0: -1}
        for node in sorted(needed - {0}):  # a caller is interned before what it calls
            parent, code, line = self._nodes[node]
            numbers[node] = len(calls)
            calls.append((numbers[parent], code, line))
        return self._codes, calls, numbers

    def is_own(self, node: int) -> bool:
        """Whether this is our own work: called by the application to watch it, or not at all."""
        known = self._own.get(node)
        if known is None:
            known = self._own[node] = self._is_own(node)
        return known

    def _is_own(self, node: int) -> bool:
        ours = False
        for frame in self.frames(node):
            if is_application(frame.file):
                return False
            if frame.file.startswith(_WATCHING):
                return True
            ours = ours or frame.file.startswith(_PACKAGE + os.sep)
        return ours


@functools.lru_cache(maxsize=4096)
def is_application(file: str) -> bool:
    """Whether a file is neither the standard library's, an installed package's nor ours."""
    if file.startswith("<"):
        return False
    path = os.path.abspath(file)
    if not _PACKAGE_FOLDERS.isdisjoint(path.split(os.sep)):
        return False  # of whatever environment: a path file may bring in another one
    return not any(path.startswith(folder + os.sep) for folder in _library_folders())


@functools.lru_cache(maxsize=1)
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    # A virtual environment has the standard library of the interpreter that it was made from.
    folders.add(os.path.dirname(os.path.abspath(os.__file__)))
    folders.update(site.getsitepackages())
    folders.add(site.getusersitepackages())
    folders.add(_PACKAGE)
    return tuple(
        {os.path.abspath(folder) for folder in folders} | {os.path.realpath(f) for f in folders}
    )
