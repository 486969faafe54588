"""What the files of a small run import from the packages around them.

A check of one file must find what a check of its whole package finds there: which functions that
it calls acquire or never return may be told by modules that are no part of the run. So a small run
knows its imports too, and theirs. They are read, never checked.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.module_files import ModuleFiles
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL_RUN = 32
"""Files; a larger run is taken to be a package, which knows enough about itself."""

MOST_FILES = 256

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([^\n#]*))",
    re.MULTILINE,
)
_NAME = re.compile(rb"[A-Za-z_][\w.]*")


def surroundings(files: list[str]) -> list[str]:
    """Give the files that small runs import from around them, nearest first.

    At most 256, and none for a run of more than 32 files.
    """
    if not 0 < len(files) <= SMALL_RUN:
        return []
    modules = ModuleFiles(files)
    run = frozenset(files)
    found: dict[str, None] = {}
    waiting = deque(files)
    while waiting and len(found) < MOST_FILES:
        file = waiting.popleft()
        try:
            data = frontend.read(file)
        except AnalysisError:
            continue
        for name in _imported(data, modules.name_of(file), package=_is_package(file)):
            other = modules.file_of(name)
            if other is not None and other not in run and other not in found:
                found[other] = None
                waiting.append(other)
    return list(found)[:MOST_FILES]


def _is_package(file: str) -> bool:
    return file.endswith("__init__.py")


def _imported(data: bytes, module: str, *, package: bool) -> Iterator[str]:
    """Give the modules that a file may import; a name from a module may be one, too."""
    parts = module.split(".")
    if not package:
        parts.pop()
    for match in _IMPORT.finditer(data):
        origin, names, plain = match.groups()
        if plain is not None:
            for item in plain.split(b","):
                name = _NAME.match(item.strip())
                if name is not None:
                    yield name[0].decode(errors="replace")
            continue
        dots = len(origin) - len(origin.lstrip(b"."))
        if dots > len(parts) + (dots == 0):
            continue
        around = parts[: len(parts) - dots + 1] if dots else []
        stem = [item for item in origin.decode(errors="replace").lstrip(".").split(".") if item]
        base = ".".join([*around, *stem])
        if not base:
            continue
        yield base
        for item in names.strip(b"() \t").split(b","):
            name = _NAME.match(item.strip())
            if name is not None:
                yield f"{base}.{name[0].decode(errors='replace')}"
