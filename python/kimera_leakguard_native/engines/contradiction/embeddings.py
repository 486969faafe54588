"""The embeddings of geoids as rows to search, and what stands in where there is none."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kimera_leakguard_native._core import similarity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt


class Embeddings:
    """Embeddings of n geoids: lists of numbers, arrays or tensors; None and empty ones are missing.

    Raises
    ------
    ValueError
        An embedding is no vector of numbers; the message names it. NaN and infinity are left to
        the search, which sees every entry anyway: see `require_finite`.
    """

    def __init__(self, vectors: list[Any], ids: Sequence[str]) -> None:
        self._vectors = vectors
        self._ids = ids
        self._gathered = similarity.VectorRows.gather(vectors)
        if self._gathered is None:
            self._vectors = [_vector(v, name) for v, name in zip(vectors, ids, strict=True)]

    @property
    def rows(self) -> similarity.VectorRows | memoryview:
        """What a search takes: float32 arrays of one length where they lie, else the matrix."""
        return self.matrix.data if self._gathered is None else self._gathered

    @cached_property
    def matrix(self) -> npt.NDArray[np.float32]:
        """All of them (n, d); zeros stand for missing ones, and fill up shorter ones."""
        if self._gathered is not None and self._vectors:
            return np.stack(self._vectors)
        matrix = np.zeros((len(self._vectors), self.columns), dtype=np.float32)
        for number, row in enumerate(self._vectors):
            matrix[number, : len(row)] = row
        return matrix

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Entries of each (n,); 0 where there is none."""
        return np.array([len(row) for row in self._vectors], dtype=np.int64)

    @property
    def columns(self) -> int:
        """Entries of the longest."""
        if self._gathered is not None:
            return self._gathered.columns
        return int(self.lengths.max(initial=0))

    @property
    def missing(self) -> list[int]:
        """Which geoids have no embedding, ascending."""
        if self._gathered is not None:
            return []
        missing: list[int] = np.flatnonzero(self.lengths == 0).tolist()
        return missing

    @property
    def odd_one(self) -> int | None:
        """The first geoid whose embedding is not as long as an earlier one."""
        if self._gathered is not None:
            return None
        present = np.flatnonzero(self.lengths)
        odd = present[self.lengths[present] != self.lengths[present[:1]].sum()]
        return int(odd[0]) if len(odd) else None

    def require_finite(self) -> None:
        """Name the first geoid whose embedding holds NaN or infinity."""
        wrong = np.flatnonzero(~np.isfinite(self.matrix).all(axis=1))
        if len(wrong):
            message = f"geoid {self._ids[int(wrong[0])]!r}: its embedding holds NaN or infinity"
            raise ValueError(message)

    def require_one_length(self) -> None:
        """Refuse embeddings that cannot be compared."""
        odd = self.odd_one
        if odd is not None:
            first = int(np.flatnonzero(self.lengths)[0])
            message = (
                f"geoid {self._ids[odd]!r} has an embedding of {self.lengths[odd]} entries, "
                f"geoid {self._ids[first]!r} one of {self.lengths[first]}: they cannot be compared"
            )
            raise ValueError(message)


def _vector(vector: Any, geoid_id: str) -> npt.NDArray[np.float32]:
    if vector is None:
        return np.empty(0, dtype=np.float32)
    try:
        with np.errstate(over="ignore"):
            array = np.asarray(vector, dtype=np.float32)
    except (TypeError, ValueError) as error:
        message = f"geoid {geoid_id!r}: its embedding is not a vector of numbers: {error}"
        raise ValueError(message) from error
    if array.ndim != 1:
        message = f"geoid {geoid_id!r}: expected an embedding of one dimension, got {array.ndim}"
        raise ValueError(message)
    return array


def semantic_cosine(a: Mapping[str, float], b: Mapping[str, float]) -> float | None:
    """Give the cosine of two weighted bags of features; None where neither has any.

    Exactly rounded sums, so it depends on the two alone, in whatever order they list their keys.
    A bag whose weights are all zero, or empty beside one that is not, has cosine 0 with all.
    """
    if not a and not b:
        return None
    dot = math.fsum(weight * b[key] for key, weight in a.items() if key in b)
    squares = math.fsum(w * w for w in a.values()) * math.fsum(w * w for w in b.values())
    if squares == 0.0:
        return 0.0
    return max(-1.0, min(1.0, dot / math.sqrt(squares)))
