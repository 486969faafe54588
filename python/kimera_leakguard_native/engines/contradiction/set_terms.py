"""Geoids' symbolic assertions as sets of items, which the native part counts pair by pair."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    States = Sequence[Mapping[str, Any]]


def values(states: States) -> list[list[tuple[str, Any]]]:
    """Give every (key, value) an item that is equal where key and value are.

    Values that cannot be hashed are compared one by one; a comparison that fails or has no single
    truth value counts as unequal, as NaN is unequal to itself.
    """
    odd: dict[str, list[Any]] = {}

    def item(key: str, value: Any) -> tuple[str, Any]:
        if isinstance(value, float) and math.isnan(value):
            odd.setdefault(key, []).append(value)
            return key, ("odd", len(odd[key]))
        try:
            hash(value)
        except TypeError:
            seen = odd.setdefault(key, [])
            for number, earlier in enumerate(seen, start=1):
                if _equal(earlier, value):
                    return key, ("odd", number)
            seen.append(value)
            return key, ("odd", len(seen))
        return key, ("value", value)

    return [[item(key, value) for key, value in state.items()] for state in states]


def sides(states: States) -> list[list[tuple[str, type]]]:
    """Give the keys of true and positive values, of all states, then of false and negative ones.

    Truth opposes truth and numbers oppose numbers, so keys go with which of both it is.
    """
    return [
        [
            (key, bool if isinstance(value, bool) else float)
            for key, value in state.items()
            if _side(value) == wanted
        ]
        for wanted in (1, -1)
        for state in states
    ]


def strings(states: States) -> list[list[tuple[str, str]]]:
    """Give the keys whose values are strings, with those whatever their upper and lower case."""
    return [
        [(key, value.casefold()) for key, value in state.items() if isinstance(value, str)]
        for state in states
    ]


def _side(value: Any) -> int:
    if isinstance(value, bool):
        return 1 if value else -1
    return (value > 0) - (value < 0) if isinstance(value, (int, float)) else 0


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except (TypeError, ValueError):
        return False
