"""Results of earlier runs, kept by what they were made from.

A result is kept for a file under the digest of its bytes and of the bytes of every other file
that its check rests on. Everything else that it depends on (the analyzer itself, the interpreter,
the options, which files the run has) chooses the shard, one file on disk for each combination. A
shard is written whole to a new file and put in place by a rename, so that concurrent runs never
see half of one: the last one to finish wins. What cannot be read, or does not match its checksum,
is as good as absent.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kimera_leakguard_native._version import __version__
from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.dependencies import digest
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.finding import (  # noqa: TC001 - msgspec reads them
    CheckStatistics,
    FileError,
    Finding,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kimera_leakguard_native.analysis.module_check import ModuleReport as Reported

MAX_BYTES = 64 * 1024 * 1024
"""What a cache may hold on disk; the shards that were not used for longest go first."""

MAX_SHARDS = 256
"""As above, in files."""

_MAGIC = b"klg-cache-1\n"
_SUFFIX = ".shard"
_EVERYTHING = ("*",)


class Entry(msgspec.Struct, frozen=True):
    """The result for one file and what it was made from.

    Attributes
    ----------
    content : bytes
        Digest of the file.
    needs : bytes
        Digest of the other files that the result rests on: their names are a group of the shard.
    """

    content: bytes
    needs: bytes
    findings: list[Finding]
    errors: list[FileError]
    statistics: CheckStatistics


class _Stored(msgspec.Struct):
    entries: dict[str, msgspec.Raw]
    groups: dict[bytes, tuple[str, ...]]
    run: bytes = b""
    joined: dict[str, bytes] = {}


_ENCODER = msgspec.msgpack.Encoder()
_ENTRY = msgspec.msgpack.Decoder(Entry)
_SHARD = msgspec.msgpack.Decoder(_Stored)


class Shard:
    """The results of one combination of analyzer, options and files.

    Parameters
    ----------
    folder : Path
        The cache; made when something is first written to it.
    key : str
        See `shard_key`.
    digests : mapping of str to bytes
        Every file of the run that can be read, with the digest of what it holds now.
    joined : callable, optional
        Gives the digests of the files together with what the others say about the names in them.
        That takes long, so it is asked only where any file has changed.
    """

    def __init__(
        self,
        folder: Path,
        key: str,
        digests: Mapping[str, bytes],
        joined: Callable[[], dict[str, bytes]] | None = None,
    ) -> None:
        self._folder = folder
        self._path = folder / f"{key}{_SUFFIX}"
        self._stored = _load(self._path)
        self._group_digests: dict[tuple[str, ...], bytes] = {}
        self._fresh = False
        self._outside: dict[str, bytes] = {}
        self._digests = digests
        if joined is not None:
            run = _run_digest(digests)
            if self._stored.run != run:
                # A name that is not text on this system has no form on disk.
                kept = {name: one for name, one in joined().items() if _is_text(name)}
                self._stored.run, self._stored.joined = run, kept
                self._fresh = True
            self._digests = self._stored.joined

    def get(self, file: str) -> Entry | None:
        """Give the result for a file if it still holds."""
        raw = self._stored.entries.get(file)
        if raw is None or file not in self._digests:
            return None
        try:
            entry = _ENTRY.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if entry.content != self._digests[file] or not self._holds(entry.needs):
            return None
        return entry

    def put(self, file: str, report: Reported, needs: tuple[str, ...] | None) -> None:
        """Keep a result; one that cannot be written down is left out.

        Parameters
        ----------
        needs : tuple of str, or None
            The other files that the result rests on, sorted; None stands for all of the run.
        """
        if file not in self._digests:
            return
        names = _EVERYTHING if needs is None else needs
        group = self._group(names)
        entry = Entry(self._digests[file], group, report.findings, report.errors, report.statistics)
        # A name that is not text on this system has no form on disk either.
        with contextlib.suppress(UnicodeEncodeError):
            _ENCODER.encode([file, names])
            self._stored.entries[file] = msgspec.Raw(_ENCODER.encode(entry))
            self._stored.groups[group] = names
            self._fresh = True

    def outside(self, name: str) -> bytes:
        """Give the digest of a file that results may rest on without its being checked itself."""
        if name not in self._outside:
            try:
                self._outside[name] = digest(frontend.read(name))
            except AnalysisError:
                self._outside[name] = b""
        return self._outside[name]

    def save(self) -> None:
        """Write the shard if it has changed, and keep the cache within its bounds.

        A folder that cannot be written to is no error: the next run is slower, that is all.
        """
        if not self._fresh:
            with contextlib.suppress(OSError):
                os.utime(self._path)
            return
        self._forget_groups()
        body = _ENCODER.encode(self._stored)
        temporary = self._path.with_name(f"{self._path.stem}.{os.getpid()}.tmp")
        try:
            _make(self._folder)
            temporary.write_bytes(_MAGIC + digest(body) + body)
            temporary.replace(self._path)
            _bound(self._folder)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def _holds(self, group: bytes) -> bool:
        names = self._stored.groups.get(group)
        return names is not None and self._group(names) == group

    def _group(self, names: tuple[str, ...]) -> bytes:
        known = self._group_digests.get(names)
        if known is None:
            total = hashlib.blake2b(digest_size=16)
            for name in sorted(self._digests) if names == _EVERYTHING else names:
                found = self._digests.get(name) or self.outside(name)
                total.update(os.fsencode(name) + b"\0" + found + b"\0")
            known = self._group_digests[names] = total.digest()
        return known

    def _forget_groups(self) -> None:
        used = {_ENTRY.decode(raw).needs for raw in self._stored.entries.values()}
        self._stored.groups = {
            group: names for group, names in self._stored.groups.items() if group in used
        }


def _is_text(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _run_digest(digests: Mapping[str, bytes]) -> bytes:
    total = hashlib.blake2b(digest_size=16)
    for name in sorted(digests):
        total.update(os.fsencode(name) + b"\0" + digests[name] + b"\0")
    return total.digest()


def _load(path: Path) -> _Stored:
    try:
        data = path.read_bytes()
    except OSError:
        return _Stored({}, {})
    start = len(_MAGIC) + 16
    body = data[start:]
    if data[:start] == _MAGIC + digest(body):
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            return _SHARD.decode(body)
    return _Stored({}, {})


def shard_key(options: Mapping[str, object], files: Iterable[str]) -> str:
    """Name the shard of a run.

    Parameters
    ----------
    options : mapping
        Everything that the user chose and that changes what a check finds.
    files : iterable of str
        All files of the run: which there are decides what an import means.
    """
    parts = [__version__, sys.version, _analyzer_digest()]
    parts.extend(f"{name}={options[name]!r}" for name in sorted(options))
    parts.extend(files)
    text = "\0".join(parts).encode(errors="surrogateescape")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


@functools.cache
def _analyzer_digest() -> str:
    """Digest the analyzer's own files: a changed rule makes every older result worthless."""
    package = Path(__file__).parents[1]
    total = hashlib.blake2b(digest_size=16)
    for folder in ("analysis", "model"):
        for path in sorted((package / folder).rglob("*")):
            if path.suffix in (".py", ".toml"):
                total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def default_folder(start: Path | None = None) -> Path:
    """Give the folder of the cache: beside the project's pyproject.toml or .git, or the user's."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file() or (folder / ".git").exists():
            return folder / ".klg-cache"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "kimera-leakguard"


def _make(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(parents=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    (folder / "CACHEDIR.TAG").write_text(
        "Signature: 8a477f597d28d172789f06886806bc55\n# Results of klg check; may be deleted.\n",
        encoding="utf-8",
    )


def _bound(folder: Path) -> None:
    """Delete the shards that were not used for longest, and what dead runs have left behind."""
    kept = []
    with os.scandir(folder) as listing:
        for item in listing:
            if item.name.endswith((_SUFFIX, ".tmp")):
                with contextlib.suppress(OSError):
                    status = item.stat()
                    kept.append((status.st_mtime_ns, status.st_size, item.path))
    kept.sort(reverse=True)
    total = 0
    for number, (_, size, path) in enumerate(kept):
        total += size
        if number >= MAX_SHARDS or (total > MAX_BYTES and number):
            with contextlib.suppress(OSError):
                os.unlink(path)
