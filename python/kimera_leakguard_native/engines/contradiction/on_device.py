"""Pair search on a CUDA device: for rows that lie there, or that are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from kimera_leakguard_native._core import cuda
from kimera_leakguard_native.engines.contradiction.arguments import as_mask, as_rows
from kimera_leakguard_native.errors import CudaUnavailable

if TYPE_CHECKING:
    import numpy.typing as npt

    Arrays = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]

Backend = Literal["auto", "cpu", "cuda"]

_FLOAT32 = ("<f4", "=f4")
_LEGACY_STREAM = 1


class DeviceRows(NamedTuple):
    """Rows in the memory of a device.

    Attributes
    ----------
    pointer : int
        Address of the first entry.
    rows, columns, stride : int
        The stride counts entries from one row to the next.
    stream : int
        Handle of the stream on which the rows are ready.
    """

    pointer: int
    rows: int
    columns: int
    stride: int
    stream: int


def uses_device(x: Any, backend: Backend) -> bool:
    """Say whether a search of x runs on a device.

    Raises
    ------
    CudaUnavailable
        It would have to, and there is none; the message says why.
    ValueError
        An unknown backend.
    """
    if backend not in ("auto", "cpu", "cuda"):
        message = f"backend: expected 'auto', 'cpu' or 'cuda', got {backend!r}"
        raise ValueError(message)
    wanted = backend == "cuda" or (backend == "auto" and on_device(x))
    if wanted and not cuda.device_count():
        message = f"backend='cuda': {cuda.unavailable_reason()}"
        raise CudaUnavailable(message)
    return wanted


def on_device(x: Any) -> bool:
    """Say whether x is an array in the memory of a CUDA device (CuPy, torch, Numba)."""
    if isinstance(x, np.ndarray):
        return False
    try:  # torch's CPU tensors have the attribute and raise
        return getattr(x, "__cuda_array_interface__", None) is not None
    except (AttributeError, RuntimeError, TypeError):
        return False


def device_rows(x: Any, name: str) -> DeviceRows:
    """Read an array's ``__cuda_array_interface__``; nothing is copied.

    Raises
    ------
    TypeError
        The items are not float32.
    ValueError
        Not two dimensions, or rows that are not contiguous.
    """
    interface = x.__cuda_array_interface__
    shape, strides = interface["shape"], interface.get("strides")
    if interface["typestr"] not in _FLOAT32:
        message = f"{name}: expected float32 ('<f4'), got {interface['typestr']!r}"
        raise TypeError(message)
    if len(shape) != 2:
        message = f"{name}: expected 2 dimensions (rows, entries), got shape {tuple(shape)}"
        raise ValueError(message)
    rows, columns = (int(size) for size in shape)
    stride = columns if strides is None else int(strides[0]) // 4
    contiguous = strides is None or columns <= 1 or strides[1] == 4
    if (
        not contiguous
        or (strides is not None and strides[0] % 4)
        or (rows > 1 and stride < columns)
    ):
        message = f"{name}: expected rows that are contiguous, got strides {tuple(strides)} bytes"
        raise ValueError(message)
    stream = interface.get("stream")
    pointer = int(interface["data"][0])
    return DeviceRows(
        pointer, rows, columns, max(stride, columns), _LEGACY_STREAM if stream is None else stream
    )


def device_pairs(
    x: Any, threshold: float, below: bool, mask: Any, max_pairs: int | None
) -> tuple[Arrays, bool]:
    """Give the pairs and whether they are all."""
    if not on_device(x):
        rows = np.ascontiguousarray(as_rows(x, "x"))
        return cuda.pairs_of_host_rows(
            rows.data, threshold, below, as_mask(mask, len(rows)), max_pairs
        )
    there = device_rows(x, "x")
    return cuda.pairs_of_device_rows(
        there.pointer,
        (there.rows, there.columns, there.stride),
        there.stream,
        threshold,
        below,
        as_mask(mask, there.rows),
        max_pairs,
    )


def device_cross_pairs(
    queries: Any, x: Any, threshold: float, below: bool, mask: Any, max_pairs: int | None
) -> tuple[Arrays, bool]:
    """Give the pairs of a row of `queries` and a row of `x` that counts, and whether all."""
    left = np.ascontiguousarray(as_rows(queries, "queries"))
    right = np.ascontiguousarray(as_rows(x, "x"))
    return cuda.cross_pairs_of_host_rows(
        left.data, right.data, threshold, below, as_mask(mask, len(right)), max_pairs
    )
