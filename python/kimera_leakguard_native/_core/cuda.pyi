"""
The CUDA part; every name exists in every build.
"""
from __future__ import annotations
import typing_extensions
__all__: list[str] = ['built', 'canonical_dots', 'device_count', 'driver_version', 'runtime_version', 'unavailable_reason']
def built() -> bool:
    """
    Whether this build has the CUDA part.
    """
def canonical_dots(rows: typing_extensions.Buffer, pairs: typing_extensions.Buffer) -> list[float]:
    """
    Canonical dot products of row pairs (m, 2) of a float32 matrix, on the device.
    """
def device_count() -> int:
    """
    Usable CUDA devices; 0 without a driver.
    """
def driver_version() -> int:
    """
    1000·major + 10·minor; 0 without a driver.
    """
def runtime_version() -> int:
    """
    1000·major + 10·minor; 0 in a CPU-only build.
    """
def unavailable_reason() -> str:
    """
    Why no device can be used, or ''.
    """
