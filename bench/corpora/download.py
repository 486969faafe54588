"""Fetch a release from the package index and unpack it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from corpora import inert_backend

_POST = re.compile(r"\.post\d+$")


@dataclass(frozen=True, slots=True)
class Release:
    """An unpacked release.

    Attributes
    ----------
    version : str
        The version that was fetched; without its ``.postN`` if that one is no longer offered.
    root : Path
        Folder that its top-level packages lie in.
    """

    package: str
    version: str
    root: Path
    kind: str


class Unavailable(Exception):
    """A release that cannot be had; the message is pip's last line about it."""


class Downloads:
    """Releases kept in a cache folder, what could not be had remembered there too.

    Parameters
    ----------
    cache : Path
        Made if need be. Delete it to ask the index again.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        cache.mkdir(parents=True, exist_ok=True)

    def fetch(self, package: str, version: str, *, prefer: str = "sdist") -> Release:
        """Give a release, from the cache or by pip.

        Parameters
        ----------
        prefer : str
            ``sdist`` (holds scripts and tests too) or ``wheel`` (what gets installed); the other
            is taken where the preferred one does not exist.
        """
        reason = ""
        for candidate in dict.fromkeys((version, _POST.sub("", version))):
            for kind in ("sdist", "wheel") if prefer == "sdist" else ("wheel", "sdist"):
                folder = self._cache / kind / f"{package}-{candidate}"
                refusal = folder.with_name(f"{folder.name}.unavailable")
                if refusal.exists():
                    reason = reason or refusal.read_text().strip()
                    continue
                if not folder.exists():
                    failure = _download(package, candidate, kind, folder)
                    if failure:
                        refusal.write_text(failure + "\n")
                        reason = reason or failure
                        continue
                return Release(package, candidate, _top(folder, kind), kind)
        raise Unavailable(reason)


def _download(package: str, version: str, kind: str, folder: Path) -> str:
    """Bring one archive and unpack it to the folder; give pip's complaint if that fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unfinished-") as scratch:
        backends, archives = Path(scratch, "backends"), Path(scratch, "archives")
        inert_backend.write(backends)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--dest", str(archives)]
        if kind == "sdist":
            command += ["--no-binary=:all:", "--no-build-isolation", "--use-pep517"]
            command += ["--ignore-requires-python"]
        else:
            command += ["--only-binary=:all:"]
        done = subprocess.run(
            [*command, f"{package}=={version}"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(backends)},
        )
        found = sorted(archives.iterdir()) if archives.is_dir() else []
        if done.returncode or not found:
            lines = [x for x in done.stderr.splitlines() if x.startswith("ERROR:")]
            return lines[-1].removeprefix("ERROR: ") if lines else f"pip exited {done.returncode}"
        unpacked = Path(scratch, "unpacked")
        unpacked.mkdir()
        _unpack(found[0], unpacked)
        with contextlib.suppress(OSError):  # another run was faster
            unpacked.rename(folder)
    return ""


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack text only: links and names that lead outside are left out."""
    if archive.suffix in {".whl", ".zip"}:
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
        return
    with tarfile.open(archive) as packed:
        members = [m for m in packed.getmembers() if m.isdir() or m.isfile()]
        for member in members:
            target = (folder / member.name).resolve()
            if not target.is_relative_to(folder.resolve()):
                message = f"{archive.name} holds {member.name}, which leads outside"
                raise Unavailable(message)
            member.mode = 0o755 if member.isdir() else 0o644
        if sys.version_info >= (3, 12):
            packed.extractall(folder, members=members, filter="data")
        else:
            packed.extractall(folder, members=members)


def _top(folder: Path, kind: str) -> Path:
    """Step into the one folder that a source archive holds."""
    entries = [entry for entry in folder.iterdir() if entry.is_dir()]
    return entries[0] if kind == "sdist" and len(entries) == 1 else folder
