"""Where each public name of the root package lives."""

from __future__ import annotations

_NAMES = {
    "analysis.summary_view": ["function_summary"],
    "analysis.symbolic.paths": ["KimeraSymbolicExecutor"],
    "engines.cognitive_field.batched": ["CognitiveFieldDynamicsGPU"],
    "engines.cognitive_field.config": ["CognitiveFieldConfig"],
    "engines.cognitive_field.dynamics": ["CognitiveFieldDynamics"],
    "engines.cognitive_field.leak_detection": ["CognitiveFieldDynamicsWithLeakDetection"],
    "engines.contradiction.engine": ["OptimizedContradictionEngine"],
    "engines.contradiction.geoid": ["GeoidState", "TensionGradient"],
    "engines.contradiction.neighbours": ["top_k"],
    "engines.contradiction.pairs": ["Pairs", "contradiction_pairs"],
    "engines.decision_cache": ["CachedDecision", "CognitiveDecisionCache", "LeakSafeDecisionCache"],
    "engines.leak_safe_pool": [
        "GPUMemoryPoolWithLeakDetection",
        "LeakSafeGPUMemoryPool",
        "get_global_memory_pool",
        "initialize_global_memory_pool",
    ],
    "engines.risk.assessment": ["CognitiveRiskAssessment", "RiskLevel", "RiskLimits"],
    "engines.risk.assessor": ["CognitiveRiskManager"],
    "errors": [
        "AnalysisError",
        "ConfigError",
        "CudaUnavailable",
        "DoubleFree",
        "ForeignHandle",
        "LeakGuardError",
        "RuntimeUnavailable",
        "SlotExhausted",
        "StaleHandle",
    ],
    "gpu.memory_pool": ["GPUMemoryPool", "MemorySlot"],
    "gpu.slots": ["SlotPool"],
    "guardian.decorator": ["analyze_for_leaks"],
    "guardian.guardian": ["KimeraMemoryLeakGuardian"],
    "guardian.shared": [
        "get_memory_leak_guardian",
        "initialize_memory_leak_guardian",
        "track_memory_block",
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
    "runtime.registry": ["AllocationRegistry"],
    "runtime.sampler": ["snapshot", "start", "stop", "verdicts"],
    "runtime.snapshot": ["Snapshot"],
}

ORIGINS = {name: (module, name) for module, names in _NAMES.items() for name in names}
"""Public name → (module below the package, attribute)."""
