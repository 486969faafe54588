"""Which files a result rests on, so that a cached one can be told from a stale one.

Facts about a callee are worked out once and serve every caller, whoever asked first. So the files
that one check looks at belong together: a later check that looks at one of them may be answered
from what it learned about the others. Such files are joined into groups, and a result rests on all
files of its group: too many rather than too few.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def digest(data: bytes) -> bytes:
    """Give the digest by which results know the bytes of a file."""
    return hashlib.blake2b(data, digest_size=16).digest()


class Dependencies:
    """What the checks of one process have looked at, and the bytes that they saw there."""

    def __init__(self) -> None:
        self.seen: dict[str, bytes] = {}
        self._file = ""
        self._others: dict[str, None] = {}
        self._everything = False
        self._looks_at: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}

    def begin(self, file: str) -> None:
        """Start the check of a file: what is used from now on is used for it."""
        self._file = file
        self._others = {}
        self._everything = False

    def use(self, file: str) -> None:
        """Note that the check in progress looks at a file."""
        if file != self._file:
            self._others[file] = None

    def use_everything(self) -> None:
        """Note that the check in progress rests on all files of the run."""
        self._everything = True

    def saw(self, file: str, data: bytes) -> None:
        """Note what a file held when it was read; the first time counts."""
        self.seen.setdefault(file, digest(data))

    @contextlib.contextmanager
    def aside(self, file: str) -> Iterator[None]:
        """Look at a file before its turn, perhaps in the middle of another check.

        What is learned there is remembered for whoever looks at the file later.
        """
        outer = self._file, self._others, self._everything
        self.begin(file)
        try:
            yield
        finally:
            self._group()
            self._file, self._others, self._everything = outer

    def end(self) -> tuple[str, ...] | None:
        """Give the other files that the check rests on, sorted; None stands for all of the run."""
        group = self._group()
        return None if self._everything else tuple(sorted({*group} - {self._file}))

    def _group(self) -> list[str]:
        first = next(iter(self._others), None)
        if first is None:
            return self._members[self._root(self._file)] if self._file in self._parents else []
        for other in self._others:
            self._join(first, other)
            # What was learned when that file itself was checked is now within reach.
            if other in self._looks_at:
                self._join(first, self._looks_at[other])
        self._looks_at[self._file] = first
        if self._file in self._parents:
            self._join(first, self._file)
        return self._members[self._root(first)]

    def _root(self, file: str) -> str:
        while self._parents[file] != file:
            self._parents[file] = file = self._parents[self._parents[file]]
        return file

    def _join(self, one: str, other: str) -> None:
        for file in (one, other):
            if file not in self._parents:
                self._parents[file] = file
                self._members[file] = [file]
        first, second = self._root(one), self._root(other)
        if first == second:
            return
        if len(self._members[first]) < len(self._members[second]):
            first, second = second, first
        self._parents[second] = first
        self._members[first].extend(self._members.pop(second))
