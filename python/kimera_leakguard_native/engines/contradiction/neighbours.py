"""The k most (or least) similar rows of every row, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kimera_leakguard_native._core import similarity
from kimera_leakguard_native.engines.contradiction.arguments import (
    as_mask,
    as_rows,
    query_matrix,
    thread_count,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def top_k(
    x: Any,
    k: int,
    *,
    largest: bool = True,
    threads: int | None = None,
    mask: Any = None,
    queries: Any = None,
    executor: Any = None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Find the k rows most similar to every row, by canonical cosine; ties by lower index.

    Parameters
    ----------
    x : array_like of float32 (n, d)
        See `arguments.as_rows`.
    k : int
        At least 1.
    largest : bool
        The greatest cosines; False finds the smallest.
    threads : int, optional
        By default one for each processor, and one for small work.
    mask : array_like of bool (n,), optional
        Rows of `x` that count.
    queries : array_like of float32 (m, d) or (d,), optional
        Rows to find partners for; by default those of `x`, where no row is its own partner.
    executor : executor, optional
        Where to run tiles of the work, as in `contradiction_pairs`. The result is the same, bit by
        bit; within one matrix every pair is met from both sides, which is twice the work.

    Returns
    -------
    indices : ndarray of int64 (n, k)
        Rows of `x`, best first; -1 where there are not k partners (zero and masked rows have none
        and are nobody's).
    scores : ndarray of float64 (n, k)
        Canonical cosines; NaN where the index is -1.

    Raises
    ------
    ValueError
        A row holds NaN or infinity, or an argument cannot be used.
    """
    if k < 1:
        message = f"k: expected at least 1, got {k}"
        raise ValueError(message)
    rows = as_rows(x, "x")
    asking = None if queries is None else as_rows(query_matrix(queries), "queries")
    if executor is not None:
        return _on_executor(rows, asking, k, largest, mask, executor)
    count, entries = rows.shape[0], rows.shape[1]
    pairs = count * (count / 2 if asking is None else asking.shape[0])
    threads = thread_count(threads, pairs, entries)
    return similarity.top_k(
        rows.data,
        k,
        largest,
        threads,
        as_mask(mask, count),
        None if asking is None else asking.data,
    )


def _on_executor(
    rows: npt.NDArray[np.float32],
    asking: npt.NDArray[np.float32] | None,
    k: int,
    largest: bool,
    mask: Any,
    executor: Any,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    import numpy as np

    from kimera_leakguard_native.engines.contradiction.tiled_neighbours import partner_tiles

    if asking is not None and asking.shape[1] != rows.shape[1]:
        message = (
            f"queries: rows of {asking.shape[1]} entries cannot be compared with rows of "
            f"{rows.shape[1]}"
        )
        raise ValueError(message)
    checked = as_mask(mask, len(rows))
    counts = None if checked is None else np.asarray(checked)
    return partner_tiles(rows, asking, k, largest=largest, mask=counts, executor=executor)
