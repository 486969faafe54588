"""The file of a row before and after its fix: from a release, or from a clone."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corpora.download import Downloads, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leak_fixes.rows import Row


MOST_MODULES = 200
"""A package of a commit is taken whole up to this many modules; tests are not counted."""

_NO_LIBRARY = {"test", "tests", "testing", "migrations"}


@dataclass(frozen=True, slots=True)
class Source:
    """One file as it was released or committed.

    Attributes
    ----------
    root : Path
        Folder of the release; of a clone, the file's package, or its own folder alone.
    lines : tuple of int
        Labelled lines in this very text.
    note : str
        What differs from what the table asked for; empty if nothing.
    """

    path: Path
    root: Path
    lines: tuple[int, ...]
    note: str = ""

    @property
    def text(self) -> list[str]:
        """The lines of the file."""
        return self.path.read_text("utf-8", "replace").splitlines()


class Sources:
    """Finds files of rows.

    Parameters
    ----------
    downloads : Downloads
        Where releases come from.
    clones : Path, optional
        Folder of git clones named ``owner/name`` or ``owner+name``, for rows without a release.
    cache : Path
        Where files taken out of clones are kept.
    packages : bool
        Take the whole package of a row that needs a callee or the class out of a clone.
    """

    def __init__(
        self,
        downloads: Downloads,
        cache: Path,
        clones: Path | None = None,
        *,
        packages: bool = False,
    ) -> None:
        self._downloads = downloads
        self._cache = cache
        self._clones = clones
        self._packages = packages
        self._renamed = _renamed(Path(__file__).with_name("renamed.tsv"))

    def before(self, row: Row, *, commits: bool = False) -> Source:
        """Give the file with the leak, from the release or, if wanted, from the parent commit."""
        if row.package and row.before and not commits:
            return self._released(row, row.before, row.lines)
        return self._committed(row, row.parent_commit, row.parent_lines)

    def after(self, row: Row, *, commits: bool = False) -> Source:
        """Give the file with the fix."""
        if row.package and row.after and not commits:
            return self._released(row, row.after, ())
        return self._committed(row, row.fix_commit, ())

    def _released(self, row: Row, version: str, lines: tuple[int, ...]) -> Source:
        reason: Unavailable | None = None
        for package in self._names(row.package, version):
            try:
                release = self._downloads.fetch(package, version)
            except Unavailable as error:
                reason = reason or error
                continue
            path = locate(release.root, row.file)
            if path is None:
                reason = Unavailable(f"{package} {release.version} has no {row.file}")
                continue
            notes = [f"{package} {release.version}"]
            changed = package != row.package or release.version != version
            return Source(path, release.root, lines, notes[0] if changed else "")
        raise reason or Unavailable(f"{row.package} {version}")

    def _names(self, package: str, version: str) -> list[str]:
        """Name the packages that may hold a version: the last rename that applies comes first."""
        later = [
            name
            for old, since, name in self._renamed
            if old == package and _key(since) <= _key(version)
        ]
        return [*reversed(later), package]

    def _committed(self, row: Row, commit: str, lines: tuple[int, ...]) -> Source:
        if self._clones is None:
            raise Unavailable("no released version in the table, and no --clones given")
        clone = _clone(self._clones, row.repo)
        target = self._cache / row.repo.replace("/", "+") / commit / row.file
        if not target.exists():
            done = subprocess.run(
                ["git", "-C", str(clone), "show", f"{commit}:{row.file}"],
                capture_output=True,
                check=False,
            )
            if done.returncode:
                raise Unavailable(done.stderr.decode("utf-8", "replace").strip())
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(done.stdout)
        note = f"commit {commit[:8]}"
        if self._packages and not row.local:
            tree = self._cache / row.repo.replace("/", "+") / f"{commit}.package"
            root = _package(clone, commit, row.file, tree)
            if root is not None:
                return Source(tree / row.file, root, lines, note)
        return Source(target, target.parent, lines, note)


def locate(root: Path, file: str) -> Path | None:
    """Find a repository's file in a release, whose tree may start deeper or have moved.

    The path itself comes first, then without leading folders (``lib/``, ``src/``), at last the
    only file of that name anywhere.
    """
    parts = Path(file).parts
    for start in range(len(parts)):
        tail = Path(*parts[start:])
        if (root / tail).is_file() and (start == 0 or len(tail.parts) > 1):
            return root / tail
    if len(parts) == 1 or parts[-1] == "__init__.py":
        return None
    named = sorted(root.rglob(parts[-1]))
    return named[0] if len(named) == 1 else None


def package_of(file: str, modules: Sequence[str]) -> str:
    """Name the outermost package that holds a file and has at most `MOST_MODULES` modules.

    Empty if there is none but the file itself.
    """
    inits = {str(Path(name).parent) for name in modules if name.endswith("__init__.py")}
    found = ""
    folder = Path(file).parent
    while str(folder) in inits:
        inside = [name for name in modules if name.startswith(f"{folder}/")]
        if len(inside) > MOST_MODULES:
            break
        found = str(folder)
        folder = folder.parent
    return found


def _package(clone: Path, commit: str, file: str, tree: Path) -> Path | None:
    """Take the package of a file out of a commit, unless it is there already."""
    git = ["git", "-C", str(clone)]
    listed = subprocess.run(
        [*git, "ls-tree", "-r", "--name-only", commit], capture_output=True, text=True, check=True
    )
    modules = [
        name
        for name in listed.stdout.splitlines()
        if name.endswith(".py") and (name == file or not _NO_LIBRARY.intersection(Path(name).parts))
    ]
    package = package_of(file, modules)
    if not package:
        return None
    wanted = [name for name in modules if name.startswith(f"{package}/")]
    if not (tree / file).exists():
        packed = subprocess.run(
            [*git, "archive", commit, "--", *wanted], capture_output=True, check=True
        )
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(tree, filter="data")
    return tree / package


def _clone(folder: Path, repo: str) -> Path:
    for name in (repo, repo.replace("/", "+")):
        for inner in ("", "repo"):
            candidate = folder / name / inner
            if (candidate / "HEAD").exists() or (candidate / ".git").exists():
                return candidate
    raise Unavailable(f"no clone of {repo} in {folder}")


def _renamed(table: Path) -> Sequence[tuple[str, str, str]]:
    with table.open(encoding="utf-8", newline="") as stream:
        return [
            (cells["package"], cells["from_version"], cells["name"])
            for cells in csv.DictReader(stream, delimiter="\t")
        ]


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
