"""Whether an except clause catches an exception."""

from __future__ import annotations

import asyncio
import builtins
from enum import Enum


class Catch(Enum):
    """What a handler does with an exception."""

    ALWAYS = "always"
    MAYBE = "maybe"
    NEVER = "never"


_ALIASES = {
    "builtins.IOError": "builtins.OSError",
    "builtins.EnvironmentError": "builtins.OSError",
    "socket.error": "builtins.OSError",
    "select.error": "builtins.OSError",
    "os.error": "builtins.OSError",
    "json.JSONDecodeError": "builtins.ValueError",
    "json.decoder.JSONDecodeError": "builtins.ValueError",
}
_BROAD = frozenset({"builtins.Exception", "builtins.BaseException"})


def is_broad(types: tuple[str | None, ...] | None) -> bool:
    """Whether a handler takes nearly everything."""
    return types is None or any(item in _BROAD for item in types)


def catches(types: tuple[str | None, ...] | None, raised: str | None) -> Catch:
    """Compare the classes of a handler with a raised class; None is an unknown exception.

    An unknown exception is taken for a subclass of Exception, as nearly all are.
    """
    if types is None:
        return Catch.ALWAYS
    best = Catch.NEVER
    for item in types:
        found = _one(item, raised)
        if found is Catch.ALWAYS:
            return found
        if found is Catch.MAYBE:
            best = found
    return best


def _one(handler: str | None, raised: str | None) -> Catch:
    if handler == "builtins.BaseException":
        return Catch.ALWAYS
    expected = _class(handler)
    actual = _class(raised)
    if actual is None:
        if expected is not None and not issubclass(expected, Exception):
            return Catch.NEVER
        if handler == "builtins.Exception":
            return Catch.ALWAYS
        return Catch.ALWAYS if handler is not None and handler == raised else Catch.MAYBE
    if expected is None:
        return Catch.MAYBE if issubclass(actual, Exception) else Catch.NEVER
    if issubclass(actual, expected):
        return Catch.ALWAYS
    return Catch.MAYBE if issubclass(expected, actual) else Catch.NEVER


def _class(name: str | None) -> type[BaseException] | None:
    if name is None:
        return None
    name = _ALIASES.get(name, name)
    if name in ("asyncio.CancelledError", "asyncio.exceptions.CancelledError"):
        return asyncio.CancelledError
    found = getattr(builtins, name.removeprefix("builtins."), None)
    if isinstance(found, type) and issubclass(found, BaseException):
        return found
    return None
