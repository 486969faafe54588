"""A change that might end a leak, before anybody has checked it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.splice import Splice


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to say about a change, and the change.

    Attributes
    ----------
    title : str
        What the change does, in the imperative.
    splices : tuple of Splice
        Empty if only a person can make it.
    """

    title: str
    splices: tuple[Splice, ...] = ()
