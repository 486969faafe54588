"""What a run of the analyzer looks for and how it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """What a run reports and how it works.

    Attributes
    ----------
    select : tuple of str
        Codes or prefixes of rules; empty means all.
    tiers : tuple of str
        Tiers to report in full. Empty means the default: what there is evidence for, of every tier.
    jobs : int
        Processes; 0 means one a core. The output does not depend on it.
    symbolic : bool
        Whether the solver decides which paths are feasible.
    cache : Path, optional
        Folder where results are kept for later runs; without one nothing is kept.
    fixes : bool
        Whether findings come with fixes; each that is verified costs an analysis of its file.
    models : str
        Resource models of the user as JSON, in the tables that docs/resources.md describes.
    """

    select: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    jobs: int = 1
    symbolic: bool = True
    cache: Path | None = None
    fixes: bool = False
    models: str = ""

    def reports(self, tier: str, *, evident: bool) -> bool:
        """Whether findings of a tier are wanted."""
        if self.tiers:
            return tier in self.tiers
        return evident
