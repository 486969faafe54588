"""From bytes to a syntax tree, with one clear sentence where that is not possible."""

from __future__ import annotations

import ast
import io
import os
import re
import sys
import tokenize
import warnings
from dataclasses import dataclass
from typing import IO

from kimera_leakguard_native.errors import AnalysisError

MAX_BYTES = 32 * 1024 * 1024
"""Larger files are data, not programs; parsing one takes about forty times its size in memory."""

_ATTEMPTS = 3
_LINE_END = re.compile(r"\r\n|\r|\n")


_MOST_OPERATORS = 10_000
_OPERATORS = (b"+", b"-", b"*", b"/", b"%", b"@", b"&", b"|", b"^", b"<", b">", b"[", b"(", b".")


@dataclass(slots=True)
class Source:
    """One parsed file.

    Attributes
    ----------
    path : str
        As findings name it.
    data : bytes
        The very bytes that were parsed.
    tree : ast.Module
        Syntax tree of the running interpreter's grammar.
    """

    path: str
    data: bytes
    tree: ast.Module

    def line_count(self) -> int:
        """Count physical lines."""
        return self.data.count(b"\n") + (not self.data.endswith(b"\n") and bool(self.data))


def read(path: str) -> bytes:
    """Read a file.

    Raises
    ------
    AnalysisError
        The file cannot be read, is too large to be source code, or is being written to.
    """
    try:
        for _ in range(_ATTEMPTS):
            with open(path, "rb") as file:
                before = _state(file)
                data = file.read(MAX_BYTES + 1)
                if _state(file) == before:
                    break
        else:
            raise AnalysisError("changes while it is read; not analysed")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AnalysisError(f"cannot be read: {reason}") from error
    if len(data) > MAX_BYTES:
        raise AnalysisError(f"is larger than {MAX_BYTES // 2**20} MiB; not analysed")
    return data


def _state(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def parse(path: str, data: bytes) -> Source:
    """Parse the bytes of a file; the encoding is the one that PEP 263 gives.

    Raises
    ------
    AnalysisError
        Null bytes, bytes that are not text in the file's encoding, text that is not Python, or
        nesting beyond what the parser can take. The message names the line where there is one.
    """
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise AnalysisError(f"line {line}: contains a null byte")
    if sys.version_info < (3, 11):
        _refuse_what_crashes_the_parser(data)
    try:
        with warnings.catch_warnings():
            # Invalid escapes in the code that is read are not this run's business.
            warnings.simplefilter("ignore")
            tree = ast.parse(data, filename=path)
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        raise AnalysisError(f"{where}does not parse: {error.msg}") from error
    except ValueError as error:
        raise AnalysisError(f"does not parse: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise AnalysisError("does not parse: nested too deeply") from error
    return Source(path, data, tree)


def _refuse_what_crashes_the_parser(data: bytes) -> None:
    # CPython 3.10 overflows the C stack on one expression of that many terms: the process is gone.
    for number, line in enumerate(data.splitlines(), 1):
        if len(line) > _MOST_OPERATORS and sum(map(line.count, _OPERATORS)) > _MOST_OPERATORS:
            raise AnalysisError(f"line {number}: does not parse: nested too deeply")


def text_lines(data: bytes) -> list[str]:
    """Decode a file for display; bytes that do not decode show as replacement characters.

    A line ends where it ends for the parser: form feeds and the separators of Unicode are text.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        encoding = "utf-8"
    return _LINE_END.split(data.decode(encoding, errors="replace"))
