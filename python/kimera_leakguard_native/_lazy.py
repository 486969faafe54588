"""Where each public name of the root package lives."""

from __future__ import annotations

_NAMES = {
    "errors": [
        "AnalysisError",
        "ConfigError",
        "CudaUnavailable",
        "LeakGuardError",
        "RuntimeUnavailable",
        "StaleHandle",
    ],
    "model.finding": ["Finding"],
    "model.guardian": [
        "FunctionSummary",
        "LeakDetectionResult",
        "MemoryAlert",
        "MemoryAllocation",
        "MemoryLeakReport",
        "MemorySnapshot",
        "MemoryStatistics",
        "PointerEscapeInfo",
    ],
    "model.site": ["SiteVerdict"],
    "runtime.sampler": ["snapshot", "start", "stop", "verdicts"],
    "runtime.snapshot": ["Snapshot"],
}

ORIGINS = {name: (module, name) for module, names in _NAMES.items() for name in names}
"""Public name → (module below the package, attribute)."""
