"""All fixes of a file together: rounds until nothing is left that can be fixed, then one write."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.fixes.document import Document
from kimera_leakguard_native.analysis.fixes.splice import applied, offsets, ordered
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.analysis.fixes.splice import Splice
    from kimera_leakguard_native.model.finding import Finding

MAX_ROUNDS = 50
"""Fixes of a file that overlap wait for the next round."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file with its fixes.

    Attributes
    ----------
    before, after : bytes
        Equal if nothing could be fixed.
    fixed : int
        Fixes that were made.
    """

    path: str
    before: bytes
    after: bytes
    fixed: int


def rewritten(path: str, data: bytes, findings_in: Callable[[bytes], list[Finding]]) -> Rewritten:
    """Apply the verified fixes of a file, round by round.

    Parameters
    ----------
    findings_in : callable
        Gives the findings of a version of the file, with their fixes.
    """
    current, fixed = data, 0
    for _ in range(MAX_ROUNDS):
        document = Document(current)
        chosen: list[Splice] = []
        count = 0
        for finding in findings_in(current):
            splices = _splices(document, finding)
            if splices and _fit(chosen, splices):
                chosen += (item for item in splices if item not in chosen)
                count += 1
        if not count:
            break
        current = document.encode(applied(document.text, chosen))
        fixed += count
    return Rewritten(path, data, current, fixed)


def _splices(document: Document, finding: Finding) -> tuple[Splice, ...]:
    for fix in finding.fixes:
        if fix.verified and fix.edits:
            return offsets(document, fix.edits)
    return ()


def _fit(chosen: list[Splice], splices: tuple[Splice, ...]) -> bool:
    """Whether splices touch nothing between the first and the last place of others.

    Two fixes that share lines are verified one after the other; only an import that both want is
    written once.
    """
    if not chosen:
        return True
    new = [item for item in splices if item not in chosen]
    local = [item for item in new if not item.text.startswith("import ")]
    if not local:
        return False
    low, high = min(item.start for item in local), max(item.end for item in local)
    if any(low <= item.end and item.start <= high for item in chosen):
        return False
    try:
        ordered([*chosen, *new])
    except ValueError:
        return False
    return True


def replace_file(change: Rewritten) -> None:
    """Replace a file by its fixed version: all of it, or nothing.

    Raises
    ------
    AnalysisError
        The file has changed since it was read, or cannot be written.
    """
    target = os.path.realpath(change.path)
    if frontend.read(target) != change.before:
        raise AnalysisError("has changed since it was analysed; not fixed")
    folder = os.path.dirname(target)
    try:
        mode = stat.S_IMODE(os.stat(target).st_mode)
        number, temporary = tempfile.mkstemp(prefix=".klg-", suffix=".tmp", dir=folder)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(change.after)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, mode)
            if frontend.read(target) != change.before:
                raise AnalysisError("has changed since it was analysed; not fixed")
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise AnalysisError(f"cannot be written: {error.strerror}; not fixed") from error
