"""
The CUDA part; every name exists in every build.
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
import typing_extensions
__all__: list[str] = ['DlpackArray', 'built', 'canonical_dots', 'copy_to_host', 'device_count', 'driver_version', 'find_pairs', 'runtime_version', 'unavailable_reason']
class DlpackArray:
    """
    An array that another library lends; given back with this object.
    """
    def __init__(self, capsule: typing_extensions.CapsuleType) -> None:
        ...
    @property
    def pointer(self) -> int:
        """
        Address of the first entry.
        """
    @property
    def shape(self) -> tuple[int, ...]:
        """
        Entries along each axis.
        """
    @property
    def strides(self) -> tuple[int, ...] | None:
        """
        Bytes from one entry to the next along each axis, or None.
        """
    @property
    def typestr(self) -> str:
        """
        Kind and bytes of an entry.
        """
def built() -> bool:
    """
    Whether this build has the CUDA part.
    """
def canonical_dots(rows: typing_extensions.Buffer, pairs: typing_extensions.Buffer) -> list[float]:
    """
    Canonical dot products of row pairs (m, 2) of a float32 matrix, on the device.
    """
def copy_to_host(x: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]) -> numpy.typing.NDArray[numpy.float32]:
    """
    Rows that lie on the device, copied.
    """
def device_count() -> int:
    """
    Usable CUDA devices; 0 without a driver.
    """
def driver_version() -> int:
    """
    1000·major + 10·minor; 0 without a driver.
    """
def find_pairs(x: typing_extensions.Buffer | tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex], threshold: typing.SupportsFloat | typing.SupportsIndex, below: bool = True, mask: typing_extensions.Buffer | None = None, max_pairs: typing.SupportsInt | typing.SupportsIndex | None = None, queries: typing_extensions.Buffer | tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex] | None = None) -> tuple[tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]], bool]:
    """
    Arrays (i, j, score) of the pairs beyond a threshold, found on the device, and whether complete. Rows lie in a buffer, or on the device: (address, rows, columns, entries from row to row, stream).
    """
def runtime_version() -> int:
    """
    1000·major + 10·minor; 0 in a CPU-only build.
    """
def unavailable_reason() -> str:
    """
    Why no device can be used, or ''.
    """
