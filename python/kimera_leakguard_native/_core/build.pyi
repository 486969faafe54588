"""
How this module was built and what it runs on.
"""
from __future__ import annotations
__all__: list[str] = ['compiler', 'cpu_features', 'python', 'sanitizer']
def compiler() -> str:
    """
    Version of the compiler.
    """
def cpu_features() -> list[str]:
    """
    Instruction sets of this processor that our kernels can use.
    """
def python() -> str:
    """
    Version of Python that this was built for.
    """
def sanitizer() -> str:
    """
    The sanitizer this was built with, or ''.
    """
