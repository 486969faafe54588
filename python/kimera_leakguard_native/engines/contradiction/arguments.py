"""What callers pass in, checked once: matrices, masks, thresholds, thread counts."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from kimera_leakguard_native.engines.contradiction.device_rows import copied_rows, on_device

_WORK_WORTH_THREADS = 1e8
"""Entries of pairs below which starting threads costs more than it saves."""


def as_rows(x: Any, name: str) -> npt.NDArray[np.float32]:
    """Give a matrix of float32 rows, as a view of x wherever its layout allows.

    Parameters
    ----------
    x : array_like (n, d)
        Anything with the buffer protocol or DLPack (numpy, torch on the CPU, ``array``, a memory
        map): float32 rows that are contiguous are used in place; float16 and other layouts are
        copied, which changes no value. Rows on a CUDA device are copied to the host. Sequences of
        numbers are rounded to float32.

    Raises
    ------
    TypeError
        Another type of items: a silent conversion would change scores.
    ValueError
        Not two dimensions.
    """
    array = _as_array(x, name)
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    if array.dtype != np.float32 or not array.dtype.isnative:
        message = f"{name}: expected float32, got {array.dtype}; convert with .astype('float32')"
        raise TypeError(message)
    if array.ndim != 2:
        message = f"{name}: expected 2 dimensions (rows, entries), got shape {array.shape}"
        raise ValueError(message)
    in_place = array.flags.aligned and (array.shape[1] <= 1 or array.strides[1] == array.itemsize)
    if not in_place or array.strides[0] % array.itemsize:
        array = np.ascontiguousarray(array)
    return array


def _as_array(x: Any, name: str) -> npt.NDArray[Any]:
    if isinstance(x, np.ndarray):
        return x
    if on_device(x):
        return copied_rows(x, name)
    if hasattr(x, "__dlpack__"):
        try:
            return np.from_dlpack(x)
        except (BufferError, RuntimeError, TypeError) as error:
            message = f"{name}: this {type(x).__name__} cannot be read on the CPU: {error}"
            raise TypeError(message) from error
    try:
        return np.asarray(memoryview(x))
    except TypeError:
        pass
    try:
        return np.asarray(x, dtype=np.float32)
    except (TypeError, ValueError) as error:
        message = f"{name}: expected a matrix of numbers: {error}"
        raise type(error)(message) from error


def as_mask(mask: Any, rows: int) -> memoryview | None:
    """Give a contiguous mask of `rows` truth values; None where all rows count."""
    if mask is None:
        return None
    array = np.ascontiguousarray(mask)
    if array.dtype != np.bool_ or array.shape != (rows,):
        message = (
            f"mask: expected bool of shape ({rows},), got {array.dtype} of shape {array.shape}"
        )
        raise ValueError(message)
    return array.data


def as_threshold(threshold: float) -> float:
    """Give a threshold of cosines, which lie in [-1, 1]."""
    value = float(threshold)
    if not -1.0 <= value <= 1.0 or math.isnan(value):
        message = f"threshold: a cosine lies in [-1, 1], got {threshold!r}"
        raise ValueError(message)
    return value


def query_matrix(queries: Any) -> Any:
    """Give one row (d,) as a matrix (1, d), anything else as it is."""
    if getattr(queries, "ndim", 2) == 1:
        return queries[None, :]
    return queries


def as_pair_bound(max_pairs: int | None) -> None:
    """Refuse a bound of results that no result could keep."""
    if max_pairs is not None and max_pairs < 0:
        message = f"max_pairs: expected at least 0, got {max_pairs}"
        raise ValueError(message)


def thread_count(threads: int | None, pairs: float, entries: int) -> int:
    """Give the number of threads for so many pairs of rows of so many entries.

    None means one for each processor that this process may use, and one alone for small work.
    """
    if threads is not None:
        if threads < 1:
            message = f"threads: expected at least 1, got {threads}"
            raise ValueError(message)
        return threads
    if pairs * entries < _WORK_WORTH_THREADS:
        return 1
    return len(os.sched_getaffinity(0))
