"""The canonical cosine, written as its definition reads, in numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_LANES = 32


def canonical_scores(
    x: npt.NDArray[np.float32], y: npt.NDArray[np.float32] | None = None
) -> npt.NDArray[np.float64]:
    """Give the canonical cosine of every row of x (n, d) with every row of y (m, d), or of x.

    Thirty-two strided lanes of exact float64 products, then a fixed tree; NaN where a row is zero.
    Takes n · m · d steps of float64.
    """
    y = x if y is None else y
    scores = np.stack([_dots(y, row) for row in x]) if len(x) else np.empty((0, len(y)))
    squares = _dots(x, x)[:, None] * _dots(y, y)[None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        scores /= np.sqrt(squares)
    return np.clip(scores, -1.0, 1.0)


def pair_scores(
    x: npt.NDArray[np.float32], i: npt.NDArray[np.int64], j: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Give the canonical cosines of the pairs (i, j) of rows."""
    a, b = x[i], x[j]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(_dots(a, b) / np.sqrt(_dots(a, a) * _dots(b, b)), -1.0, 1.0)


def best_partners(
    scores: npt.NDArray[np.float64], k: int, largest: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Give the k best columns of every row of scores (n, m); NaN never counts.

    Ties go to the lower column.
    """
    signed = np.where(np.isnan(scores), np.inf, -scores if largest else scores)
    order = np.argsort(signed, axis=1, kind="stable")[:, :k]
    values = np.take_along_axis(scores, order, axis=1)
    indices = np.full((len(scores), k), -1, dtype=np.int64)
    best = np.full((len(scores), k), np.nan)
    indices[:, : order.shape[1]] = np.where(np.isnan(values), -1, order)
    best[:, : order.shape[1]] = values
    return indices, best


def _dots(rows: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Canonical dot products of rows (n, d) with one row (d,), or with n rows one by one."""
    products = rows.astype(np.float64) * other.astype(np.float64)
    lanes = np.zeros((len(rows), _LANES))
    for start in range(0, products.shape[1], _LANES):
        part = products[:, start : start + _LANES]
        lanes[:, : part.shape[1]] += part
    width = _LANES
    while width > 1:
        width //= 2
        lanes[:, :width] += lanes[:, width : 2 * width]
    return lanes[:, 0]
