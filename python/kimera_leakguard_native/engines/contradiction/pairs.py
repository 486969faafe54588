"""All pairs of rows whose cosine lies beyond a threshold, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kimera_leakguard_native._core import similarity
from kimera_leakguard_native.engines.contradiction.arguments import (
    as_mask,
    as_pair_bound,
    as_rows,
    as_threshold,
    query_matrix,
    thread_count,
)
from kimera_leakguard_native.engines.contradiction.on_device import device_pairs, uses_device
from kimera_leakguard_native.errors import LeakGuardError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from kimera_leakguard_native.engines.contradiction.on_device import Backend


class Pairs(NamedTuple):
    """Pairs of rows and their scores, sorted by (i, j).

    Attributes
    ----------
    i, j : ndarray of int64 (m,)
        Rows; ``i < j`` within one matrix.
    score : ndarray of float64 (m,)
        Canonical cosines.
    """

    i: npt.NDArray[np.int64]
    j: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]


def contradiction_pairs(
    x: Any,
    threshold: float,
    *,
    below: bool = True,
    threads: int | None = None,
    mask: Any = None,
    executor: Any = None,
    max_pairs: int | None = None,
    backend: Backend = "auto",
) -> Pairs:
    """Find every pair of rows whose cosine lies strictly below (or above) a threshold.

    Scores are canonical: one fixed-order float64 dot product of the float32 rows, divided by the
    root of the product of their squares, found the same way. Pairs and scores are bit-identical on
    every instruction set and number of threads. Zero rows match nothing. Memory is a packed copy
    and the result, never n · n. Ctrl-C ends a long call.

    Parameters
    ----------
    x : array_like of float32 (n, d)
        See `arguments.as_rows`; not copied where its rows are contiguous.
    threshold : float
        In [-1, 1].
    below : bool
        Keep scores below the threshold; False keeps those above.
    threads : int, optional
        By default one for each processor, and one for small work.
    mask : array_like of bool (n,), optional
        Rows that count; the others are not even read.
    executor : executor, optional
        Where to run tiles of the work: one of `concurrent.futures`, or Dask's
        ``Client.get_executor()``. The result is the same, bit by bit. A `numpy.memmap` is mapped
        by the workers, so it must lie where they see it; other arrays are sent in blocks. Each
        tile runs on one thread.
    max_pairs : int, optional
        A bound for results that a too weak threshold would let grow as n².
    backend : {'auto', 'cpu', 'cuda'}
        Where to search; the result is the same, bit by bit. ``auto`` searches where the rows are:
        arrays of CuPy, torch and Numba on a CUDA device stay there.

    Raises
    ------
    LeakGuardError
        There are more than `max_pairs` pairs.
    CudaUnavailable
        ``cuda`` without a CUDA build, driver or device; the message says which is missing.
    ValueError
        A row holds NaN or infinity, or an argument cannot be used.
    TypeError
        The items are not float32 (or float16).
    """
    if uses_device(x, backend):
        as_pair_bound(max_pairs)
        arrays, complete = device_pairs(x, as_threshold(threshold), below, mask, max_pairs)
        if not complete:
            raise too_many(max_pairs)
        return Pairs(*arrays)
    if executor is not None:
        return _on_executor(x, threshold, below, mask, executor, max_pairs)
    scan = _scan(x, threshold, below=below, threads=threads, mask=mask)
    return _collect(scan, max_pairs)


def _on_executor(
    x: Any,
    threshold: float,
    below: bool,
    mask: Any,
    executor: Any,
    max_pairs: int | None,
) -> Pairs:
    import numpy as np

    from kimera_leakguard_native.engines.contradiction.tiled import pair_tiles

    as_pair_bound(max_pairs)
    rows = as_rows(x, "x")
    checked = as_mask(mask, len(rows))
    counts = None if checked is None else np.asarray(checked)
    parts, total = [], 0
    tiles = pair_tiles(rows, as_threshold(threshold), below=below, mask=counts, executor=executor)
    for part in tiles:
        parts.append(part)
        total += len(part[0])
        if max_pairs is not None and total > max_pairs:
            tiles.close()
            raise too_many(max_pairs)
    if not parts:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def cross_pairs(
    queries: Any,
    x: Any,
    threshold: float,
    *,
    below: bool = True,
    threads: int | None = None,
    mask: Any = None,
    max_pairs: int | None = None,
    backend: Backend = "auto",
) -> Pairs:
    """Find every pair of a row of `queries` (m, d) or (d,) with a row of `x` (n, d).

    As `contradiction_pairs`; `i` counts rows of `queries`, `j` rows of `x`, and every combination
    counts. `mask` is for the rows of `x`. ``auto`` searches where `x` lies.
    """
    if uses_device(x, backend):
        as_pair_bound(max_pairs)
        arrays, complete = device_pairs(
            x, as_threshold(threshold), below, mask, max_pairs, query_matrix(queries)
        )
        if not complete:
            raise too_many(max_pairs)
        return Pairs(*arrays)
    scan = _scan(x, threshold, below=below, threads=threads, mask=mask, queries=queries)
    return _collect(scan, max_pairs)


def count_pairs(
    x: Any,
    threshold: float,
    *,
    below: bool = True,
    threads: int | None = None,
    mask: Any = None,
) -> int:
    """Count the pairs that `contradiction_pairs` would give, without keeping them."""
    return _scan(x, threshold, below=below, threads=threads, mask=mask).count()


def pair_batches(
    x: Any,
    threshold: float,
    *,
    below: bool = True,
    threads: int | None = None,
    mask: Any = None,
) -> Iterator[Pairs]:
    """Give the pairs that `contradiction_pairs` would give, batch by batch in the same order.

    A batch is a range of `i`; its size adapts, so that the memory of a result does not bound n.
    Errors of the arguments come with the call, not with the first batch.
    """
    return _batches(_scan(x, threshold, below=below, threads=threads, mask=mask))


def _batches(scan: similarity.PairScan) -> Iterator[Pairs]:
    while (batch := scan.next_batch()) is not None:
        if len(batch[0]):
            yield Pairs(*batch)


def _scan(
    x: Any,
    threshold: float,
    *,
    below: bool,
    threads: int | None,
    mask: Any,
    queries: Any = None,
) -> similarity.PairScan:
    rows = as_rows(x, "x")
    asking = None if queries is None else as_rows(query_matrix(queries), "queries")
    count, entries = rows.shape[0], rows.shape[1]
    pairs = count * (count / 2 if asking is None else asking.shape[0])
    return similarity.PairScan(
        rows.data,
        as_threshold(threshold),
        below,
        thread_count(threads, pairs, entries),
        as_mask(mask, count),
        None if asking is None else asking.data,
    )


def _collect(scan: similarity.PairScan, max_pairs: int | None) -> Pairs:
    as_pair_bound(max_pairs)
    arrays, complete = scan.collect(max_pairs)
    if not complete:
        raise too_many(max_pairs)
    return Pairs(*arrays)


def too_many(max_pairs: int | None) -> LeakGuardError:
    """Give the error of a result that grew beyond its bound."""
    return LeakGuardError(
        f"there are more than max_pairs={max_pairs} pairs beyond the threshold: count them "
        "with count_pairs, take them in parts with pair_batches, or sharpen the threshold"
    )
