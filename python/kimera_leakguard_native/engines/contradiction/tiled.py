"""All pairs on an executor: blocks of rows against blocks of rows, on any machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kimera_leakguard_native._core import similarity
from kimera_leakguard_native.executors.ordered_map import ordered_map

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import numpy.typing as npt

    Arrays = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]

_FEWEST_BLOCKS = 8
_MOST_ROWS = 8192
_FEWEST_ROWS = 256


class MappedRows(NamedTuple):
    """Rows of a file, which another process maps instead of receiving them."""

    path: str
    offset: int
    rows: int
    columns: int

    def open(self) -> npt.NDArray[np.float32]:
        """Map the rows.

        Raises
        ------
        OSError, ValueError
            The file is not there, or too short.
        """
        return np.memmap(
            self.path, np.float32, "r", offset=self.offset, shape=(self.rows, self.columns)
        )


def pair_tiles(
    rows: npt.NDArray[np.float32],
    threshold: float,
    *,
    below: bool,
    mask: npt.NDArray[np.bool_] | None,
    executor: Any,
) -> Generator[Arrays, None, None]:
    """Give the pairs of each block of rows, in the order of (i, j).

    Each tile is one call: what a worker needs at once is two blocks, and what the caller keeps is
    the result. Arrays mapped from a file are mapped again by the workers.

    Raises
    ------
    ValueError
        A row that counts holds NaN or infinity.
    """
    blocks = cut(len(rows))
    require_finite(rows, "x", mask)
    tiles = [(a, b) for a in range(len(blocks)) for b in range(a, len(blocks))]

    def calls() -> Iterator[tuple[Any, ...]]:
        for a, b in tiles:
            left, right = blocks[a], blocks[b]
            yield (
                portable(rows, *left),
                None if a == b else portable(rows, *right),
                None if mask is None else (mask[slice(*left)], mask[slice(*right)]),
                threshold,
                below,
            )

    held: list[Arrays] = []
    for (a, b), found in zip(tiles, ordered_map(executor, tile, calls()), strict=True):
        i, j, score = found
        held.append((i + blocks[a][0], j + blocks[b][0], score))
        if b == len(blocks) - 1:
            yield _merged(held)
            held = []


def cut(total: int) -> list[tuple[int, int]]:
    """Cut so many rows into blocks (first, last) of equal size."""
    size = min(_MOST_ROWS, max(_FEWEST_ROWS, -(-total // _FEWEST_BLOCKS)))
    return [(at, min(at + size, total)) for at in range(0, total, size)]


def portable(
    rows: npt.NDArray[np.float32], first: int, last: int
) -> npt.NDArray[np.float32] | MappedRows:
    """Give some rows as another process can best have them."""
    part = rows[first:last]
    if isinstance(rows, np.memmap) and rows.filename is not None and part.flags.c_contiguous:
        base: Any = rows
        while isinstance(base.base, np.memmap):
            base = base.base
        start = part.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        path = str(rows.filename)
        return MappedRows(path, int(base.offset) + start, last - first, rows.shape[1])
    return np.ascontiguousarray(part)


def opened(rows: npt.NDArray[np.float32] | MappedRows) -> npt.NDArray[np.float32]:
    """Give the rows that `portable` made so."""
    return rows.open() if isinstance(rows, MappedRows) else rows


def tile(
    left: npt.NDArray[np.float32] | MappedRows,
    right: npt.NDArray[np.float32] | MappedRows | None,
    masks: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None,
    threshold: float,
    below: bool,
) -> Arrays:
    """Find the pairs of one tile; runs in a worker."""
    a = opened(left)
    if right is None:
        mask = None if masks is None else np.ascontiguousarray(masks[0]).data
        return _collected(similarity.PairScan(a.data, threshold, below, 1, mask))
    b = opened(right)
    kept = np.arange(len(a))
    if masks is not None:  # the scan takes a mask for one side only
        kept = np.flatnonzero(masks[0])
        a = np.ascontiguousarray(a[kept])
        if not len(a):
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)
    mask = None if masks is None else np.ascontiguousarray(masks[1]).data
    i, j, score = _collected(similarity.PairScan(b.data, threshold, below, 1, mask, a.data))
    return kept[i], j, score


def _collected(scan: similarity.PairScan) -> Arrays:
    arrays, _ = scan.collect(None)
    return arrays


def _merged(parts: list[Arrays]) -> Arrays:
    i, j, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((j, i))
    return i[order], j[order], score[order]


def require_finite(
    rows: npt.NDArray[np.float32], name: str, mask: npt.NDArray[np.bool_] | None
) -> None:
    """Name the first row that counts and holds NaN or infinity.

    Raises
    ------
    ValueError
        There is one.
    """
    for first, last in cut(len(rows)):
        wrong = ~np.isfinite(rows[first:last]).all(axis=1)
        if mask is not None:
            wrong &= mask[first:last]
        if wrong.any():
            row = int(wrong.argmax()) + first
            message = (
                f"{name}: row {row} holds NaN or infinity; remove it or leave it out by a mask"
            )
            raise ValueError(message)
