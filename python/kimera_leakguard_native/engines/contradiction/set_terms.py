"""The parts of a tension that compare sets: feature keys and symbolic assertions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.int64]

_ROWS_AT_ONCE = 256


class Incidence:
    """Which of n owners has which items: counts of common items for any pairs, exactly.

    Items that only one owner has are counted in `sizes` and otherwise left out. Owners with equal
    items share a row.
    """

    def __init__(self, items: Sequence[Iterable[Any]]) -> None:
        """Take the distinct, hashable items of every owner."""
        distinct: dict[frozenset[Any], int] = {}
        owned = [distinct.setdefault(frozenset(owner), len(distinct)) for owner in items]
        of_owner = np.array(owned, dtype=np.int64)
        sizes = np.array([len(owner) for owner in distinct], dtype=np.int64)
        self.sizes = sizes[of_owner] if owned else sizes
        holders: dict[Any, int] = {}
        for owner, count in zip(distinct, np.bincount(of_owner).tolist(), strict=True):
            for item in owner:
                holders[item] = holders.get(item, 0) + count
        shared = (item for item, count in holders.items() if count > 1)
        columns = {item: column for column, item in enumerate(shared)}
        classes: dict[frozenset[int], int] = {}
        rows = [frozenset(columns[item] for item in owner if item in columns) for owner in distinct]
        row = np.array([classes.setdefault(row, len(classes)) for row in rows], np.int64)
        self._row = row[of_owner] if owned else row
        # Counts up to 2^24 are exact in float32, and only float products are fast.
        self._matrix = np.zeros((len(classes), len(columns)), dtype=np.float32)
        for columns_of_row, number in classes.items():
            self._matrix[number, list(columns_of_row)] = 1.0

    @property
    def kinds(self) -> Indices:
        """Columns that are equal only where two owners compare equally with every third (2, n)."""
        return np.stack([self._row, self.sizes])

    def part(self, owners: slice) -> Incidence:
        """Give some of the owners, over the same columns."""
        part = Incidence(())
        part.sizes, part._row, part._matrix = self.sizes[owners], self._row[owners], self._matrix
        return part

    def common(self, other: Incidence, i: Indices, j: Indices) -> Floats:
        """Count the columns that row i here and row j of `other` share.

        `other` is this or has been built over the same columns (see `part`).
        """
        result = np.empty(len(i), dtype=np.float64)
        mine, theirs = self._row[i], other._row[j]
        for start in range(0, len(self._matrix), _ROWS_AT_ONCE):
            block = self._matrix[start : start + _ROWS_AT_ONCE]
            inside = np.flatnonzero((mine >= start) & (mine < start + len(block)))
            if len(inside):
                counts = block @ other._matrix.T
                result[inside] = counts[mine[inside] - start, theirs[inside]]
        return result


def jaccard_distance(sets: Incidence, i: Indices, j: Indices) -> Floats:
    """Give 1 - |common| / |union| of the owners' items; 0 where both have none."""
    common = sets.common(sets, i, j)
    union = sets.sizes[i] + sets.sizes[j] - common
    return 1.0 - np.divide(common, union, out=np.ones_like(common), where=union > 0)


class SymbolicStates:
    """Symbolic states of n geoids, ready for comparison pair by pair."""

    def __init__(self, states: Sequence[Mapping[str, Any]]) -> None:
        self.keys = Incidence(states)
        self._equal = Incidence(_value_ids(states))
        self._states = states
        self._opposed: list[tuple[Incidence, Incidence]] | None = None
        self._strings: tuple[Incidence, Incidence] | None = None

    @property
    def kinds(self) -> Indices:
        """As `Incidence.kinds`, for `unequal_share` (4, n)."""
        return np.concatenate([self.keys.kinds, self._equal.kinds])

    def present(self, i: Indices, j: Indices) -> npt.NDArray[np.bool_]:
        """Say for which pairs at least one geoid asserts anything."""
        return (self.keys.sizes[i] > 0) | (self.keys.sizes[j] > 0)

    def unequal_share(self, i: Indices, j: Indices) -> Floats:
        """Give the share of the common keys whose values differ; 0 without common keys."""
        common = self.keys.common(self.keys, i, j)
        equal = self._equal.common(self._equal, i, j)
        return np.divide(common - equal, common, out=np.zeros_like(common), where=common > 0)

    def opposition(self, i: Indices, j: Indices) -> Floats:
        """Give the mean opposition over the common keys; 0 without common keys.

        Unequal truth values and numbers of opposite sign oppose by 1, strings that differ beyond
        upper and lower case by 0.5.
        """
        common = self.keys.common(self.keys, i, j)
        total = np.zeros_like(common)
        if self._opposed is None:
            self._opposed = [_sides(self._states, _truth), _sides(self._states, _sign)]
            folded = [
                {key: value.casefold() for key, value in state.items() if isinstance(value, str)}
                for state in self._states
            ]
            values = [list(state.items()) for state in folded]
            self._strings = Incidence(folded), Incidence(values)
        for plus, minus in self._opposed:
            total += plus.common(minus, i, j) + minus.common(plus, i, j)
        assert self._strings is not None
        string_keys, string_values = self._strings
        total += 0.5 * string_keys.common(string_keys, i, j)
        total -= 0.5 * string_values.common(string_values, i, j)
        return np.divide(total, common, out=np.zeros_like(common), where=common > 0)


def _truth(value: Any) -> int:
    return 0 if not isinstance(value, bool) else 1 if value else -1


def _sign(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0
    return (value > 0) - (value < 0)


def _sides(
    states: Sequence[Mapping[str, Any]], side: Callable[[Any], int]
) -> tuple[Incidence, Incidence]:
    """Give the keys with values on the plus and on the minus side, over the same columns."""
    count = len(states)
    everything = Incidence(
        [
            [key for key, value in state.items() if side(value) == wanted]
            for wanted in (1, -1)
            for state in states
        ]
    )
    return everything.part(slice(0, count)), everything.part(slice(count, None))


def _value_ids(
    states: Sequence[Mapping[str, Any]],
) -> list[list[tuple[str, Any]]]:
    """Give every (key, value) an id that is equal where key and value are.

    Values that cannot be hashed are compared one by one; a comparison that fails or has no single
    truth value counts as unequal, as NaN is unequal to itself.
    """
    odd: dict[str, list[Any]] = {}

    def identify(key: str, value: Any) -> tuple[str, Any]:
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

    return [[identify(key, value) for key, value in state.items()] for state in states]


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except (TypeError, ValueError):
        return False
