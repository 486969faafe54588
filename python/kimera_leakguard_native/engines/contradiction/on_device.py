"""Pair search on a CUDA device: for rows that lie there, or that are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kimera_leakguard_native._core import cuda
from kimera_leakguard_native.engines.contradiction.arguments import as_mask, as_rows
from kimera_leakguard_native.engines.contradiction.device_rows import lend_rows, on_device
from kimera_leakguard_native.errors import CudaUnavailable

if TYPE_CHECKING:
    import numpy.typing as npt

    from kimera_leakguard_native.engines.contradiction.device_rows import DeviceRows

    Arrays = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]

Backend = Literal["auto", "cpu", "cuda"]


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


def device_pairs(
    x: Any,
    threshold: float,
    below: bool,
    mask: Any,
    max_pairs: int | None,
    queries: Any = None,
) -> tuple[Arrays, bool]:
    """Give the pairs and whether they are all: within x, or of a row of `queries` and one of x."""
    base, base_owner, count = _operand(x, "x")
    asking, asking_owner, _ = (None, None, 0) if queries is None else _operand(queries, "queries")
    found = cuda.find_pairs(base, threshold, below, as_mask(mask, count), max_pairs, asking)
    del base_owner, asking_owner  # what lends rows has to live until here
    return found


def _operand(x: Any, name: str) -> tuple[DeviceRows | memoryview, Any, int]:
    """Give rows as the native part takes them, what lends them, and how many they are."""
    if on_device(x):
        lent = lend_rows(x, name)
        return lent.rows, lent.owner, lent.rows.rows
    rows = np.ascontiguousarray(as_rows(x, name))
    return rows.data, rows, len(rows)
