"""Rows that are packed once and searched often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kimera_leakguard_native._core import similarity
from kimera_leakguard_native.engines.contradiction.arguments import (
    as_pair_bound,
    as_rows,
    as_threshold,
    query_matrix,
    thread_count,
)
from kimera_leakguard_native.engines.contradiction.pairs import Pairs, too_many

if TYPE_CHECKING:
    import numpy.typing as npt

    Filter = Literal["auto", "floats", "halves", "codes"]


class SimilarityIndex:
    """Exact pair search among rows that come and go, without packing them for every call.

    Every method gives what the function of the same purpose gives for the rows held, bit by bit;
    rows go by their ids instead of their places. Holds a float32 copy of the rows, which decides
    pairs, and the packed one (1 byte an entry where the processor has integer dot products).
    Calls from several threads come one after the other.

    Parameters
    ----------
    columns : int
        Entries of a row, at least 1.
    rows : array_like of float32 (n, columns), optional
        Rows to begin with; their ids are 0 to n - 1.
    filter : {'auto', 'floats', 'halves', 'codes'}
        What searches filter with; results do not depend on it.
    threads : int, optional
        By default one for each processor, and one for small work.
    """

    def __init__(
        self,
        columns: int,
        rows: Any = None,
        *,
        filter: Filter = "auto",  # noqa: A002
        threads: int | None = None,
    ) -> None:
        if columns < 1:
            message = f"columns: expected at least 1, got {columns}"
            raise ValueError(message)
        thread_count(threads, 0.0, columns)
        self._threads = threads
        self._index = similarity.PackedIndex(columns, filter)
        if rows is not None:
            self.add(rows)

    @property
    def columns(self) -> int:
        """Entries of a row."""
        return self._index.columns

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """Ids of the rows held, ascending."""
        return self._index.ids()

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, row_id: int) -> bool:
        return row_id in self._index

    def add(self, rows: Any) -> npt.NDArray[np.int64]:
        """Add rows (m, columns) or one row (columns,), and give their ids, ascending.

        An id is never given twice. Zero rows are held and match nothing.

        Raises
        ------
        ValueError
            A row holds NaN or infinity, or has another length; then no row is added.
        """
        matrix = as_rows(query_matrix(rows), "x")
        return self._index.add(matrix.data, thread_count(self._threads, len(matrix), self.columns))

    def remove(self, ids: Any) -> None:
        """Remove rows by id; takes one id or many.

        Raises
        ------
        KeyError
            An id is not held, or named twice; then no row is removed.
        """
        wanted = np.ascontiguousarray(np.atleast_1d(ids), dtype=np.int64)
        try:
            self._index.remove(wanted.data)
        except IndexError as error:
            raise KeyError(str(error)) from None

    def pairs(self, threshold: float, *, below: bool = True, max_pairs: int | None = None) -> Pairs:
        """Find every pair of rows beyond a threshold; see `contradiction_pairs`."""
        return self._pairs(threshold, below, None, max_pairs)

    def matches(
        self, queries: Any, threshold: float, *, below: bool = True, max_pairs: int | None = None
    ) -> Pairs:
        """Find every pair of a query and a row beyond a threshold; see `cross_pairs`."""
        rows = as_rows(query_matrix(queries), "queries")
        return self._pairs(threshold, below, rows, max_pairs)

    def count(self, threshold: float, *, below: bool = True) -> int:
        """Count the pairs that `pairs` would give, without keeping them."""
        return self._index.count(as_threshold(threshold), below, self._thread_count(None))

    def top_k(
        self, k: int, *, largest: bool = True, queries: Any = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Find the k best partners of every row held, or of every query; see `top_k`.

        The rows of the result are those of `queries`, or belong to `ids`.
        """
        if k < 1:
            message = f"k: expected at least 1, got {k}"
            raise ValueError(message)
        asking = None if queries is None else as_rows(query_matrix(queries), "queries")
        found, scores, members = self._index.top_k(
            k, largest, self._thread_count(asking), None if asking is None else asking.data
        )
        if asking is not None:
            return found, scores
        ids = self.ids
        every = np.full((len(ids), k), -1, dtype=np.int64)
        every_score = np.full((len(ids), k), np.nan)
        places = np.searchsorted(ids, members)
        every[places], every_score[places] = found, scores
        return every, every_score

    def _pairs(
        self,
        threshold: float,
        below: bool,
        asking: npt.NDArray[np.float32] | None,
        max_pairs: int | None,
    ) -> Pairs:
        as_pair_bound(max_pairs)
        arrays, complete = self._index.pairs(
            as_threshold(threshold),
            below,
            self._thread_count(asking),
            None if asking is None else asking.data,
            max_pairs,
        )
        if not complete:
            raise too_many(max_pairs)
        return Pairs(*arrays)

    def _thread_count(self, asking: npt.NDArray[np.float32] | None) -> int:
        count = len(self)
        pairs = count * (count / 2 if asking is None else len(asking))
        return thread_count(self._threads, pairs, self.columns)
