"""Where the modules of a run and of the packages around them lie."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ModuleFiles:
    """Files of modules by dotted name.

    The modules of a package that are no part of the run are found too, because a check of one file
    must know what the functions do that it calls. They are read, never checked.

    Parameters
    ----------
    files : iterable of str
        All files of the run.
    """

    def __init__(self, files: Iterable[str]) -> None:
        self._known = frozenset(files)
        self._packages: dict[str, bool] = {}
        self._files: dict[str, str | None] = {}
        self._bases: dict[str, str] = {}
        self.names: dict[str, str] = {}
        for file in sorted(self._known):
            base, name = self._split(file)
            if name in self._files:
                # Two scripts of one name: each is a module of its own.
                name = f"{name}#{len(self.names)}"
            self._files[name] = file
            self.names[file] = name
            if "." in name or file.endswith("__init__.py"):
                self._bases.setdefault(name.partition(".")[0], base)

    def file_of(self, name: str) -> str | None:
        """Give the file of a module; None if there is none in reach."""
        if name not in self._files:
            self._files[name] = self._outside(name)
        return self._files[name]

    def name_of(self, file: str) -> str:
        """Give the dotted name of a file's module."""
        return self.names.get(file) or self._split(file)[1]

    def _outside(self, name: str) -> str | None:
        top, *rest = name.split(".")
        base = self._bases.get(top)
        if base is None or not all(part.isidentifier() for part in rest):
            return None
        path = os.path.join(base, top, *rest)
        for file in (f"{path}.py", os.path.join(path, "__init__.py")):
            if os.path.isfile(file):
                return file
        return None

    def _split(self, file: str) -> tuple[str, str]:
        folder, last = os.path.split(file)
        stem = last.rpartition(".")[0] or last
        parts = [] if stem == "__init__" else [stem]
        while folder and self._is_package(folder):
            folder, name = os.path.split(folder)
            if not name:
                break
            parts.insert(0, name)
        return folder, ".".join(parts) or stem

    def _is_package(self, folder: str) -> bool:
        if folder not in self._packages:
            file = os.path.join(folder, "__init__.py")
            self._packages[folder] = file in self._known or os.path.isfile(file)
        return self._packages[folder]
