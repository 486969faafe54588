"""An append-only file of a run's state: readable whatever ended the writer, at any byte.

A record is a marker, the length and the CRC-32 of its body, and the body: the JSON report of the
run so far, compressed. Records are self-contained, so that what is torn or damaged costs the
records that it touches and no others; the last whole one is the result.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.reporters import run_json

if TYPE_CHECKING:
    from pathlib import Path

    from kimera_leakguard_native.model.site import RunReport

MARKER = b"\x93KLGRUN\x01"
"""Begins a record; its last byte is the version of the format. No text in UTF-8 has it."""

LIMIT = 16 * 1024 * 1024
"""Bytes that a file may have; where the next record would exceed it, that one replaces all."""

MAX_BODY = 64 * 1024 * 1024
"""Bytes of JSON that a record may unpack to."""

_HEAD = struct.Struct("<II")  # length of the body, CRC-32 of that field and the body


def framed(body: bytes) -> bytes:
    """Give a record."""
    return MARKER + _HEAD.pack(len(body), _checksum(body)) + body


def last_whole(data: bytes) -> bytes | None:
    """Give the body of the last whole record, or None where there is none."""
    at = len(data)
    while (at := data.rfind(MARKER, 0, at)) >= 0:
        start = at + len(MARKER) + _HEAD.size
        if start <= len(data):
            length, checksum = _HEAD.unpack_from(data, at + len(MARKER))
            body = data[start : start + length]
            if len(body) == length and _checksum(body) == checksum:
                return body
    return None


def _checksum(body: bytes) -> int:
    # With the length: a file system may leave zeros behind a marker, which are no empty record.
    return zlib.crc32(body, zlib.crc32(len(body).to_bytes(4, "little")))


def is_capture(data: bytes) -> bool:
    """Whether a record begins in it, or may have: a writer can be stopped within its first."""
    return MARKER in data or MARKER.startswith(data)


def unpacked(body: bytes) -> bytes:
    """Give the JSON of a record.

    Raises
    ------
    ValueError
        The body was not written by `CaptureWriter`.
    """
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(body, MAX_BODY)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not stream.eof:
        raise ValueError(f"it is cut off, or longer than {MAX_BODY} bytes")
    return text


class CaptureWriter:
    """Appends the state of a run to a file, which it creates; one that is there is continued.

    Parameters
    ----------
    path : Path
        A new file, an empty one, or a capture.
    limit : int
        Bytes that the file may have.

    Raises
    ------
    ConfigError
        It cannot be written to, or is something else than a capture.
    """

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self._path = path
        self._limit = limit
        try:
            existed = path.exists()
            if existed and not path.is_file():
                raise ConfigError(f"cannot capture into {path}: it is no regular file")
            if existed and path.stat().st_size and not is_capture(path.read_bytes()):
                raise ConfigError(f"{path} exists and is no capture of klg run: name another file")
            with path.open("ab"):
                pass
        except OSError as error:
            raise ConfigError(f"cannot capture into {path}: {error.strerror}") from error

    def append(self, report: RunReport) -> None:
        """Write the state as one record.

        Where it would not fit, without its profile, and then with fewer sites.

        Raises
        ------
        OSError
            The record is not, or not wholly, in the file; those before it are.
        """
        record = self._fitting(report)
        size = self._path.stat().st_size if self._path.exists() else 0
        if size + len(record) > self._limit:
            self._replace(record)
            return
        with self._path.open("ab", buffering=0) as file:
            written = file.write(record)
            if written != len(record):
                raise OSError(f"only {written} of {len(record)} bytes were written")

    def _fitting(self, report: RunReport) -> bytes:
        record = framed(zlib.compress(run_json.render(report).encode(), 1))
        while len(record) > self._limit and (report.profile or report.sites):
            kept = report.sites if report.profile else report.sites[: len(report.sites) // 2]
            report = replace(report, profile=None, sites=kept)
            record = framed(zlib.compress(run_json.render(report).encode(), 1))
        if len(record) > self._limit:
            raise OSError(f"a record of {len(record)} bytes exceeds the limit of {self._limit}")
        return record

    def _replace(self, record: bytes) -> None:
        partial = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            partial.write_bytes(record)
            partial.replace(self._path)  # the old records are there until the new one is
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise
