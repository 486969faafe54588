"""
Exact similarity of float32 rows.
"""
from __future__ import annotations
import typing_extensions
__all__: list[str] = ['canonical_dot']
def canonical_dot(x: typing_extensions.Buffer, y: typing_extensions.Buffer) -> float:
    """
    The canonical float64 dot product of two float32 vectors (n,).
    """
