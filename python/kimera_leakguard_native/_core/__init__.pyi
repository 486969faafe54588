"""
Native parts of kimera-leakguard. Private: use the Python faces above it.
"""
from __future__ import annotations
from . import build
from . import cache
from . import cuda
from . import registry
from . import sampler
from . import scopes
from . import similarity
from . import slots
__all__: list[str] = ['build', 'cache', 'cuda', 'registry', 'sampler', 'scopes', 'similarity', 'slots']
