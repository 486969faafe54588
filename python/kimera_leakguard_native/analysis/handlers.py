"""Whether an except clause catches an exception: the lattice as the data flow asks it."""

from __future__ import annotations

import functools

from kimera_leakguard_native.analysis.exceptions import Catch, ExceptionLattice

_BROAD = frozenset({"builtins.Exception", "builtins.BaseException"})
_UNNAMED = "?"
"""A class that the source gives no name to; nothing is known of it."""


def is_broad(types: tuple[str | None, ...] | None) -> bool:
    """Whether a handler takes nearly everything."""
    return types is None or any(item in _BROAD for item in types)


@functools.lru_cache(maxsize=4096)
def catches(types: tuple[str | None, ...] | None, raised: str | None) -> Catch:
    """Compare the classes of a handler with a raised class; None is an unknown exception.

    An unknown exception is taken for a subclass of Exception, as nearly all are.
    """
    named = None if types is None else tuple(item or _UNNAMED for item in types)
    return _lattice().handler_catches(named, raised or "Exception")


@functools.cache
def _lattice() -> ExceptionLattice:
    return ExceptionLattice()
