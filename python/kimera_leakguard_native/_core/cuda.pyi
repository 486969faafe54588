"""
The CUDA part; every name exists in every build.
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
import typing_extensions
__all__: list[str] = ['built', 'canonical_dots', 'cross_pairs_of_host_rows', 'device_count', 'driver_version', 'pairs_of_device_rows', 'pairs_of_host_rows', 'runtime_version', 'unavailable_reason']
def built() -> bool:
    """
    Whether this build has the CUDA part.
    """
def canonical_dots(rows: typing_extensions.Buffer, pairs: typing_extensions.Buffer) -> list[float]:
    """
    Canonical dot products of row pairs (m, 2) of a float32 matrix, on the device.
    """
def cross_pairs_of_host_rows(queries: typing_extensions.Buffer, x: typing_extensions.Buffer, threshold: typing.SupportsFloat | typing.SupportsIndex, below: bool = True, mask: typing_extensions.Buffer | None = None, max_pairs: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]], bool]:
    """
    As above, pairs of a row of queries and a row of x.
    """
def device_count() -> int:
    """
    Usable CUDA devices; 0 without a driver.
    """
def driver_version() -> int:
    """
    1000·major + 10·minor; 0 without a driver.
    """
def pairs_of_device_rows(pointer: typing.SupportsInt | typing.SupportsIndex, shape: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex], stream: typing.SupportsInt | typing.SupportsIndex, threshold: typing.SupportsFloat | typing.SupportsIndex, below: bool = True, mask: typing_extensions.Buffer | None = None, max_pairs: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]], bool]:
    """
    As above, of rows that lie on the device: (rows, columns, entries from row to row).
    """
def pairs_of_host_rows(x: typing_extensions.Buffer, threshold: typing.SupportsFloat | typing.SupportsIndex, below: bool = True, mask: typing_extensions.Buffer | None = None, max_pairs: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]], bool]:
    """
    Arrays (i, j, score) of the pairs beyond a threshold, on the device; whether complete.
    """
def runtime_version() -> int:
    """
    1000·major + 10·minor; 0 in a CPU-only build.
    """
def unavailable_reason() -> str:
    """
    Why no device can be used, or ''.
    """
