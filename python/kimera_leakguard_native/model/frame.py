"""One call of a stack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One call of a stack; `line` is 1-based, 0 where it is not known."""

    file: str
    line: int
    function: str
