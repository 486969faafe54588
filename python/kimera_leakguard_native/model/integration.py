"""Data classes of the integrator; field order is positional order and part of the contract."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ComponentHealthMetrics:
    """What one health pass saw of a component; MB are 2**20 bytes.

    Attributes
    ----------
    leak_risk_score : float
        In [0, 1]; see `kimera_leakguard_native.integration.components.risk`.
    performance_impact : str
        ``excellent``, ``good``, ``degraded`` or ``critical`` beside the target, ``idle`` before the
        first use, ``stable`` where nothing is measured, ``unknown`` where it could not be read.
    """

    component_name: str
    memory_usage_mb: float
    gpu_memory_mb: float
    allocation_count: int
    leak_risk_score: float
    performance_impact: str
    recommendations: list[str]


@dataclass
class SystemOptimizationResult:
    """What one optimization really did, measured before and after it.

    Attributes
    ----------
    performance_improvement : float
        Per cent less latency; 0 where none was measured, or where it became slower.
    memory_freed_mb : float
        Of the component's own memory, in units of 2**20 bytes.
    leaks_fixed : int
        Allocations of the component that are gone.
    success : bool
        Whether it ran to its end and freed memory or became faster.
    """

    optimization_type: str
    performance_improvement: float
    memory_freed_mb: float
    leaks_fixed: int
    execution_time_ms: float
    success: bool
