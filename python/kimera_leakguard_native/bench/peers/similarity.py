"""Pair search as others do it: numpy, FAISS, and the original's loops."""

from __future__ import annotations

import importlib
import importlib.util
import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

_TILE = 1024


def numpy_range(x: npt.NDArray[np.float32], threshold: float) -> int:
    """Count entries of x·xᵀ beyond a threshold, tile by tile: both triangles and the diagonal."""
    count = 0
    for start in range(0, len(x), _TILE):
        scores = x[start : start + _TILE] @ x.T
        rows, columns = np.nonzero(scores > threshold)
        count += len(scores[rows, columns])
    return count


def numpy_top_k(x: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
    """Give the k best columns of every row of x·xᵀ, the row itself among them."""
    result = np.empty((len(x), k), dtype=np.int64)
    for start in range(0, len(x), _TILE):
        scores = x[start : start + _TILE] @ x.T
        best = np.argpartition(scores, -k, axis=1)[:, -k:]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1)
        result[start : start + _TILE] = np.take_along_axis(best, order, 1)
    return result


def faiss_searches(
    x: npt.NDArray[np.float32],
) -> tuple[Callable[[float], int], Callable[[int], Any]] | None:
    """Give FAISS's exact range and top-k search on one thread; None if it is not installed."""
    if importlib.util.find_spec("faiss") is None:
        return None
    faiss: Any = importlib.import_module("faiss")
    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(x)
    return (
        lambda threshold: int(index.range_search(x, threshold)[0][-1]),
        lambda k: index.search(x, k)[1],
    )


def replica_tension(
    a: Sequence[Any], b: Sequence[Any], semantic: tuple[set[str], set[str]]
) -> float:
    """Score one pair as the original did: scalar by scalar over the entries of the embeddings."""
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    norms = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    embedding = 1.0 - float(dot) / float(norms) if norms else 1.0
    left, right = semantic
    layer = (1.0 - len(left & right) / len(left | right)) / 2.0
    return (embedding + layer + 0.0) / 3.0
