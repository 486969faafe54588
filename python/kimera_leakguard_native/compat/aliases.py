"""Import paths of the original system, served from this package.

Nothing of that name is ever installed as a distribution: the modules exist in a process that asked
for them, and a real module of the same name always goes first.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_ROOT = "kimera_leakguard_native"
_PACKAGES = frozenset({"backend", "backend.analysis", "analysis"})
_GUARDIAN = (
    "FunctionSummary",
    "KimeraMemoryLeakGuardian",
    "LeakDetectionResult",
    "MemoryAlert",
    "MemoryAllocation",
    "MemoryLeakReport",
    "MemorySnapshot",
    "MemoryStatistics",
    "PointerEscapeInfo",
    "analyze_for_leaks",
    "get_memory_leak_guardian",
    "initialize_memory_leak_guardian",
    "track_memory_block",
)
_INTEGRATION = (
    "ComponentHealthMetrics",
    "KimeraLeakDetectionIntegrator",
    "LeakDetectionIntegration",
    "SystemOptimizationResult",
    "get_leak_detection_integrator",
    "initialize_kimera_leak_detection",
)
_MODULES = {
    f"{package}.{module}": names
    for package in ("backend.analysis", "analysis")
    for module, names in (
        ("kimera_memory_leak_guardian", _GUARDIAN),
        ("kimera_leak_detection_integration", _INTEGRATION),
    )
}


class _Aliases(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the historic modules after everybody else has failed to."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname in _PACKAGES:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        if fullname in _MODULES:
            return importlib.machinery.ModuleSpec(fullname, self)
        return None

    def exec_module(self, module: ModuleType) -> None:
        names = _MODULES.get(module.__name__, ())
        root = importlib.import_module(_ROOT)
        module.__doc__ = f"Served by {_ROOT}."
        for name in names:
            setattr(module, name, getattr(root, name))
        if names:
            module.__dict__["__all__"] = list(names)


_FINDER = _Aliases()


def install_import_aliases() -> None:
    """Serve ``backend.analysis.kimera_…`` and ``analysis.kimera_…`` in this process; idempotent."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)


def remove_import_aliases() -> None:
    """Serve them no longer, and forget those that were imported."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
    for name in [*_MODULES, *_PACKAGES]:
        module = sys.modules.get(name)
        if module is not None and getattr(module.__spec__, "loader", None) is _FINDER:
            del sys.modules[name]
