"""The best partners on an executor: blocks of rows ask blocks of rows, on any machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kimera_leakguard_native._core import similarity
from kimera_leakguard_native.engines.contradiction.tiled import (
    MappedRows,
    cut,
    opened,
    portable,
    require_finite,
)
from kimera_leakguard_native.executors.ordered_map import ordered_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Rows = npt.NDArray[np.float32]
    Partners = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]


def partner_tiles(
    rows: Rows,
    queries: Rows | None,
    k: int,
    *,
    largest: bool,
    mask: npt.NDArray[np.bool_] | None,
    executor: Any,
) -> Partners:
    """Give the k best partners among `rows` of every query, or of every row.

    Each tile is one call; every block asks every other, so a pair within one matrix is met twice.

    Raises
    ------
    ValueError
        A row that counts holds NaN or infinity.
    """
    require_finite(rows, "x", mask)
    if queries is not None:
        require_finite(queries, "queries", None)
    asking = rows if queries is None else queries
    blocks, asking_blocks = cut(len(rows)), cut(len(asking))
    tiles = [(a, b) for a in asking_blocks for b in blocks]

    def calls() -> Iterator[tuple[Any, ...]]:
        for a, b in tiles:
            itself = queries is None and a == b
            yield (
                None if itself else portable(asking, *a),
                portable(rows, *b),
                None if mask is None or queries is not None else mask[slice(*a)],
                None if mask is None else mask[slice(*b)],
                k,
                largest,
            )

    indices = np.full((len(asking), k), -1, dtype=np.int64)
    scores = np.full((len(asking), k), np.nan)
    for (a, b), found in zip(tiles, ordered_map(executor, partners, calls()), strict=True):
        places = slice(*a)
        indices[places], scores[places] = _best(
            (indices[places], scores[places]), found, b[0], largest
        )
    return indices, scores


def partners(
    asking: Rows | MappedRows | None,
    rows: Rows | MappedRows,
    asking_mask: npt.NDArray[np.bool_] | None,
    mask: npt.NDArray[np.bool_] | None,
    k: int,
    largest: bool,
) -> Partners:
    """Find the best partners of one tile, of the rows themselves where none ask; in a worker."""
    base = opened(rows)
    view = None if mask is None else np.ascontiguousarray(mask).data
    if asking is None:
        return similarity.top_k(base.data, k, largest, 1, view)
    queries = opened(asking)
    if asking_mask is None:
        return similarity.top_k(base.data, k, largest, 1, view, queries.data)
    indices = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), np.nan)
    if asking_mask.any():
        counting = np.ascontiguousarray(queries[asking_mask])
        indices[asking_mask], scores[asking_mask] = similarity.top_k(
            base.data, k, largest, 1, view, counting.data
        )
    return indices, scores


def _best(known: Partners, found: Partners, first: int, largest: bool) -> Partners:
    """Give the k best of both; rows of `found` count from `first`, ties go to the lower."""
    found_indices = np.where(found[0] < 0, -1, found[0] + first)
    indices = np.concatenate([known[0], found_indices], axis=1)
    scores = np.concatenate([known[1], found[1]], axis=1)
    # NaN, where there is no partner, comes last in any order of numpy's.
    order = np.lexsort((indices, -scores if largest else scores), axis=1)[:, : known[0].shape[1]]
    return np.take_along_axis(indices, order, axis=1), np.take_along_axis(scores, order, axis=1)
