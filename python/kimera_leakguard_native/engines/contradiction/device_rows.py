"""Rows in the memory of a CUDA device, read where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kimera_leakguard_native._core import cuda

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_FLOAT32 = ("<f4", "=f4")
_LEGACY_STREAM = 1
_DLPACK_DEVICES = (2, 13)
"""kDLCUDA and kDLCUDAManaged."""


class DeviceRows(NamedTuple):
    """Where rows lie, as the native part takes it.

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


class LentRows(NamedTuple):
    """Rows of a device, and what keeps them there while they are read."""

    rows: DeviceRows
    owner: Any


def on_device(x: Any) -> bool:
    """Say whether x is an array in the memory of a CUDA device (CuPy, torch, Numba, JAX)."""
    if isinstance(x, np.ndarray):
        return False
    try:  # torch's CPU tensors have the attribute and raise
        if getattr(x, "__cuda_array_interface__", None) is not None:
            return True
    except (AttributeError, RuntimeError, TypeError):
        pass
    device = getattr(x, "__dlpack_device__", None)
    return device is not None and int(device()[0]) in _DLPACK_DEVICES


def lend_rows(x: Any, name: str) -> LentRows:
    """Read an array's ``__cuda_array_interface__``, or else its DLPack; nothing is copied.

    Raises
    ------
    TypeError
        The items are not float32.
    ValueError
        Not two dimensions, or rows that are not contiguous.
    """
    interface = getattr(x, "__cuda_array_interface__", None)
    if interface is not None:
        stream = interface.get("stream")
        rows = _described(
            int(interface["data"][0]),
            interface["typestr"],
            interface["shape"],
            interface.get("strides"),
            _LEGACY_STREAM if stream is None else stream,
            name,
        )
        return LentRows(rows, x)
    # The producer makes the stream named here wait for the data.
    array = cuda.DlpackArray(x.__dlpack__(stream=_LEGACY_STREAM))
    rows = _described(
        array.pointer, array.typestr, array.shape, array.strides, _LEGACY_STREAM, name
    )
    return LentRows(rows, array)


def _described(
    pointer: int,
    typestr: str,
    shape: Sequence[int],
    strides: Sequence[int] | None,
    stream: int,
    name: str,
) -> DeviceRows:
    if typestr not in _FLOAT32:
        message = f"{name}: expected float32 ('<f4'), got {typestr!r}"
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
        message = (
            f"{name}: expected rows that are contiguous, got strides {tuple(strides or ())} bytes"
        )
        raise ValueError(message)
    return DeviceRows(pointer, rows, columns, max(stride, columns), stream)


def copied_rows(x: Any, name: str) -> npt.NDArray[np.float32]:
    """Copy rows of a device to the host; see `lend_rows`.

    Raises
    ------
    CudaUnavailable
        There is no device; the message says why.
    """
    lent = lend_rows(x, name)
    return cuda.copy_to_host(lent.rows)
