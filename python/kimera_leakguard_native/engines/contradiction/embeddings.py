"""The embeddings of geoids as one matrix, and what stands in where there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of n geoids.

    Attributes
    ----------
    matrix : ndarray of float32 (n, d)
        Zero rows stand for missing embeddings, and fill up shorter ones.
    lengths : ndarray of int64 (n,)
        Entries of each embedding; 0 where there is none.
    """

    matrix: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.int64]

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Which geoids have no embedding."""
        missing: npt.NDArray[np.bool_] = self.lengths == 0
        return missing

    @property
    def zero(self) -> npt.NDArray[np.bool_]:
        """Which geoids have an embedding that is zero."""
        # Squares that vanish are only suspicious: the entries decide.
        with np.errstate(over="ignore", under="ignore"):
            squares = np.einsum("ij,ij->i", self.matrix, self.matrix)
        zero: npt.NDArray[np.bool_] = (self.lengths > 0) & (squares == 0.0)
        for row in np.flatnonzero(zero).tolist():
            zero[row] = not self.matrix[row].any()
        return zero

    def require_finite(self, ids: Sequence[str]) -> None:
        """Name the first geoid whose embedding holds NaN or infinity."""
        wrong = np.flatnonzero(~np.isfinite(self.matrix).all(axis=1))
        if len(wrong):
            message = f"geoid {ids[int(wrong[0])]!r}: its embedding holds NaN or infinity"
            raise ValueError(message)

    def require_one_length(self, ids: Sequence[str]) -> None:
        """Refuse embeddings that cannot be compared."""
        present = np.flatnonzero(self.lengths)
        other = present[self.lengths[present] != self.lengths[present[:1]].sum()]
        if len(other):
            first, odd = int(present[0]), int(other[0])
            message = (
                f"geoid {ids[odd]!r} has an embedding of {self.lengths[odd]} entries, "
                f"geoid {ids[first]!r} one of {self.lengths[first]}: they cannot be compared"
            )
            raise ValueError(message)


def stack(vectors: Sequence[Any], ids: Sequence[str]) -> Embeddings:
    """Stack embeddings: lists of numbers, arrays or tensors; None and empty ones are missing.

    Raises
    ------
    ValueError
        An embedding is no vector of numbers; the message names it. NaN and infinity are left to
        the search, which sees every entry anyway: see `Embeddings.require_finite`.
    """
    rows = [_vector(vector, geoid_id) for vector, geoid_id in zip(vectors, ids, strict=True)]
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    width = int(lengths.max(initial=0))
    if rows and bool((lengths == width).all()):
        matrix = np.concatenate(rows).reshape(len(rows), width)
    else:
        matrix = np.zeros((len(rows), width), dtype=np.float32)
        for number, row in enumerate(rows):
            matrix[number, : len(row)] = row
    return Embeddings(matrix, lengths)


def _vector(vector: Any, geoid_id: str) -> npt.NDArray[np.float32]:
    if isinstance(vector, np.ndarray) and vector.dtype == np.float32 and vector.ndim == 1:
        return vector
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
