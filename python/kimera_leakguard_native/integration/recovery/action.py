"""One recovery action: when it may run, what it does, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Outcome(Enum):
    """What became of an action."""

    DONE = "done"
    DRY_RUN = "dry run"
    NOT_ALLOWED = "not allowed"
    NOT_NEEDED = "precondition not met"
    COOLING_DOWN = "cooling down"
    OVER_BUDGET = "over budget"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RecoveryAction:
    """Something that may free memory.

    Attributes
    ----------
    name : str
        As policies name it.
    precondition : callable
        Gives the reason why there is nothing to do, empty if there is something.
    run : callable
        Does it, on a thread of its own; what it gives is kept as the detail of the result.
    measure : callable
        Gives the bytes that it is about. The resident size is measured beside it.
    budget_s : float
        Seconds to wait for it. An action is never interrupted: over its budget it goes on alone,
        and is not started again before it has ended.
    cool_down_s : float
        Seconds between the ends of two runs.
    """

    name: str
    precondition: Callable[[], str]
    run: Callable[[], Any]
    measure: Callable[[], int]
    budget_s: float = 10.0
    cool_down_s: float = 60.0


@dataclass(frozen=True, slots=True)
class RecoveryResult:
    """What an action did, measured.

    Attributes
    ----------
    freed_bytes : int
        Less of what the action is about, after than before; never negative.
    resident_freed_bytes : int
        Less resident size of the process; other threads may have allocated meanwhile.
    timestamp : float
        Seconds since the epoch.
    reason : str
        Why it was not done, or what failed.
    """

    action: str
    outcome: Outcome
    freed_bytes: int = 0
    resident_freed_bytes: int = 0
    seconds: float = 0.0
    timestamp: float = 0.0
    reason: str = ""
    detail: Any = field(default=None, compare=False)

    @property
    def success(self) -> bool:
        """Whether it ran to its end and freed something."""
        return self.outcome is Outcome.DONE and (
            self.freed_bytes > 0 or self.resident_freed_bytes > 0
        )
