"""Whether the solver is there, told without importing anything that needs it."""

from __future__ import annotations

import functools
import importlib.util


@functools.cache
def available() -> bool:
    """Whether the solver is installed."""
    return importlib.util.find_spec("z3") is not None
