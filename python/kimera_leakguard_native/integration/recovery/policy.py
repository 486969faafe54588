"""What the owner of a process allows to be done to it."""

from __future__ import annotations

import signal  # noqa: TC003 - resolvable hints for clients that introspect
from dataclasses import dataclass, field

ACTIONS = (
    "gpu_memory_leak",
    "cache_overflow",
    "field_accumulation",
    "garbage_collection",
    "heap_trim",
    "worker_recycle",
)
"""Names that a policy may allow."""


@dataclass(frozen=True, slots=True)
class RecoveryPolicy:
    """Consent, and its limits.

    Attributes
    ----------
    allowed : frozenset of str
        Actions that may run without being asked for by name; none by default.
    dry_run : bool
        Say what would be done, and do nothing.
    keep_fields : int or None
        What ``field_accumulation`` reduces components without a bound to; without it, they are
        left alone.
    recycle_signal : signal.Signals or None
        What ``worker_recycle`` sends to this process where no callback is registered; gunicorn and
        most supervisors replace a worker that ends on SIGTERM.

    Raises
    ------
    ValueError
        An action that does not exist, or a `keep_fields` below 1.
    """

    allowed: frozenset[str] = field(default_factory=frozenset)
    dry_run: bool = False
    keep_fields: int | None = None
    recycle_signal: signal.Signals | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        unknown = sorted(set(self.allowed) - set(ACTIONS))
        if unknown:
            raise ValueError(f"allowed: no such action {unknown[0]!r}; there are {list(ACTIONS)}")
        if self.keep_fields is not None and self.keep_fields < 1:
            raise ValueError(f"keep_fields: expected at least 1 or None, got {self.keep_fields}")
