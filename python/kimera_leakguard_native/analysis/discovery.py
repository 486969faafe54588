"""Which files a run looks at, in an order that does not depend on the file system."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from dataclasses import dataclass, field

from kimera_leakguard_native.model.finding import FileError

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})
_SUFFIXES = (".py", ".pyw")


@dataclass(slots=True)
class Discovery:
    """What was found below the given paths.

    Attributes
    ----------
    files : list of str
        Each is the path as it was given, joined with the path below it; sorted, without repeats.
    errors : list of FileError
        Paths that do not exist, directories that cannot be listed, and what has the name of a
        module but is no file.
    """

    files: list[str] = field(default_factory=list)
    errors: list[FileError] = field(default_factory=list)


def discover(paths: list[str] | tuple[str, ...]) -> Discovery:
    """Find the Python files below the paths.

    A file that is named is taken whatever it is called. Hidden directories, caches and installed
    packages below a directory are left out; a directory that is reached twice through symbolic
    links is entered once.
    """
    found = Discovery()
    seen: set[str] = set()
    for path in paths:
        for file in _below(path, found.errors):
            if file not in seen:
                seen.add(file)
                found.files.append(file)
    found.files.sort()
    found.errors.sort(key=lambda error: (error.file, error.message))
    return found


def _below(path: str, errors: list[FileError]) -> Iterator[str]:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        errors.append(FileError(path, f"cannot be read: {_reason(error)}"))
        return
    if not stat.S_ISDIR(mode):
        if stat.S_ISREG(mode):
            yield path
        else:
            errors.append(FileError(path, "is neither a file nor a directory"))
        return

    entered: set[tuple[int, int]] = set()
    pending = [path]
    while pending:
        folder = pending.pop()
        try:
            status = os.stat(folder)
            identity = (status.st_dev, status.st_ino)
            if identity in entered:
                continue
            entered.add(identity)
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            errors.append(FileError(folder, f"cannot be listed: {_reason(error)}"))
            continue
        folders = []
        for entry in entries:
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError as error:
                errors.append(FileError(entry.path, f"cannot be read: {_reason(error)}"))
                continue
            if is_folder:
                if entry.name not in _SKIPPED and not entry.name.startswith("."):
                    folders.append(entry.path)
            elif entry.name.endswith(_SUFFIXES):
                if is_file:
                    yield entry.path
                else:
                    errors.append(FileError(entry.path, _why_no_file(entry)))
        pending.extend(reversed(folders))


def _why_no_file(entry: os.DirEntry[str]) -> str:
    try:
        mode = entry.stat().st_mode
    except OSError as error:
        return f"cannot be read: {_reason(error)}"
    kinds = {
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    kind = kinds.get(stat.S_IFMT(mode), "something else")
    return f"has the name of a module but is no file: it is {kind}"


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
