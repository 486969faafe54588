"""The healthy code: pinned releases, and the standard library of the interpreter."""

from __future__ import annotations

import csv
import platform
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corpora.download import Downloads

STDLIB = "stdlib"
PACKAGES = Path(__file__).with_name("packages.tsv")
_NOT_LIBRARY = ("site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__")


@dataclass(frozen=True, slots=True)
class Corpus:
    """One tree to check.

    Attributes
    ----------
    root : Path
        Folder that labels name files from.
    """

    package: str
    version: str
    root: Path


@dataclass(frozen=True, slots=True)
class Pin:
    """A release, and the folder of it that is checked."""

    package: str
    version: str
    folder: str


def pins(table: Path = PACKAGES) -> list[Pin]:
    """Read the pinned releases."""
    with table.open(encoding="utf-8", newline="") as stream:
        return [Pin(**cells) for cells in csv.DictReader(stream, delimiter="\t")]


def released(pin: Pin, downloads: Downloads) -> Corpus:
    """Fetch a pinned release as it gets installed."""
    release = downloads.fetch(pin.package, pin.version, prefer="wheel")
    return Corpus(pin.package, release.version, release.root / pin.folder)


def stdlib(cache: Path) -> Corpus:
    """Copy the running interpreter's library, without its tests, and give the copy."""
    installed = Path(sysconfig.get_path("stdlib"))
    return without_tests(Corpus(STDLIB, platform.python_version(), installed), cache)


def without_tests(corpus: Corpus, cache: Path) -> Corpus:
    """Copy the modules of a corpus, without folders of tests, and give the copy."""
    copy = cache / corpus.package / corpus.version
    if not copy.exists():
        unfinished = copy.with_name(f"{corpus.version}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(corpus.root, unfinished, ignore=_ignored, symlinks=True)
        unfinished.rename(copy)
    return Corpus(corpus.package, corpus.version, copy)


def _ignored(folder: str, names: list[str]) -> set[str]:
    return {
        name
        for name in names
        if name in _NOT_LIBRARY or (not name.endswith(".py") and Path(folder, name).is_file())
    }
