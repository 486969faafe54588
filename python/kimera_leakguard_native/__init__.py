"""Find, prove, fix and prevent memory and resource leaks in Python and GPU services.

The public names are imported when they are first used: importing the package loads neither numpy,
torch, z3 nor a web stack.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from kimera_leakguard_native._lazy import ORIGINS
from kimera_leakguard_native._version import __version__ as __version__

__all__ = sorted([*ORIGINS, "__version__"])  # noqa: PLE0605 - one table is the source


def _refuse_sub_interpreters() -> None:
    """Raise ImportError in one: the extension module would wait for ever for a lock that it has."""
    module = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    try:
        interpreters = importlib.import_module(module)
    except ImportError:  # an interpreter without them
        return
    if interpreters.get_current() != interpreters.get_main():
        raise ImportError(f"{__name__} cannot be used in a sub-interpreter, only in the main one")


_refuse_sub_interpreters()


def __getattr__(name: str) -> Any:
    try:
        module, attribute = ORIGINS[name]
    except KeyError:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message) from None
    value = getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *ORIGINS})
