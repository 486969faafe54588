"""How much work one function may cost: counted, not timed, so that every run stops alike."""

from __future__ import annotations

from dataclasses import dataclass

MAX_TRACKING = 4_000_000
"""Of one function over all its acquisitions: instructions times the places that are followed."""
MAX_SEARCHING = 4_000_000
"""Of one function over all its candidates, in the unit of the symbolic search."""
QUERY = 2_000
"""What one query to the solver counts for in that unit."""


@dataclass(slots=True)
class WorkBudget:
    """Work that is left."""

    left: int = MAX_TRACKING

    def spend(self, amount: int) -> None:
        """Take work off."""
        self.left -= amount

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0
