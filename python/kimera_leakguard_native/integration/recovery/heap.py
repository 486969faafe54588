"""Giving memory back to the system: the collector's, and that of the C allocator."""

from __future__ import annotations

import ctypes
import gc
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def collect() -> int:
    """Run the garbage collector over all generations; give the number of unreachable objects."""
    return gc.collect()


def can_trim() -> bool:
    """Whether the C library can give free memory back when asked (glibc can)."""
    return _trim() is not None


def trim() -> bool:
    """Have the C allocator give its free pages back; whether it had any."""
    function = _trim()
    return function is not None and function(0) == 1


@lru_cache(maxsize=1)
def _trim() -> Callable[[int], int] | None:
    try:
        function = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_size_t]
    function.restype = ctypes.c_int
    found: Callable[[int], int] = function
    return found
