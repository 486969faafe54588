"""Faults of our own machinery, and of drivers: counted, logged the first time, and survived."""

from __future__ import annotations

import logging
from collections import Counter

_LOG = logging.getLogger(__name__)

counts: Counter[str] = Counter()
"""How often each part has failed; the names are those of parts, so they are few."""


def note_fault(part: str, error: Exception) -> None:
    """Count a failure; the first one of a part is logged with its traceback."""
    counts[part] += 1
    if counts[part] == 1:
        _LOG.warning(
            "%s failed; it is tried again, and further failures are only counted",
            part,
            exc_info=error,
        )
