"""Builtin classes that tests ask for, and a value of each for the witness."""

from __future__ import annotations

import builtins
from typing import Any

KNOWN = (
    "builtins.str", "builtins.bytes", "builtins.list", "builtins.tuple", "builtins.dict",
    "builtins.set", "builtins.frozenset", "builtins.bytearray",
    # Of two that fit, the more special one is the example.
    "builtins.bool", "builtins.int", "builtins.float",
)  # fmt: skip


def builtin_class(name: str) -> Any:
    """Give the class of the running interpreter, None if there is none of that name."""
    found = getattr(builtins, name.removeprefix("builtins."), None)
    return found if isinstance(found, type) else None


def example(name: str, *, true: bool, number: float) -> Any:
    """Give an instance of one of the known classes with a truth, or a number."""
    examples: dict[str, tuple[Any, Any]] = {
        "builtins.str": ("x", ""),
        "builtins.bytes": (b"x", b""),
        "builtins.list": ([None], []),
        "builtins.tuple": ((None,), ()),
        "builtins.dict": ({None: None}, {}),
        "builtins.set": ({None}, set()),
        "builtins.frozenset": (frozenset({None}), frozenset()),
        "builtins.bytearray": (bytearray(b"x"), bytearray()),
    }
    if name in examples:
        return examples[name][0 if true else 1]
    if name == "builtins.bool":
        return true
    return float(number) if name == "builtins.float" else int(number)
