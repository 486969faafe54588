"""Data classes of the guardian; field order is positional order and part of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - resolvable hints for clients that introspect
from enum import Enum


class LeakDetectionResult(Enum):
    """What is known of a suspected leak."""

    NO_LEAK = "no_leak"
    POTENTIAL_LEAK = "potential_leak"
    CONFIRMED_LEAK = "confirmed_leak"
    FALSE_POSITIVE = "false_positive"


@dataclass
class MemoryAllocation:
    """An allocation, tracked at run time or seen in source code.

    Attributes
    ----------
    size_bytes : int or None
        None where the size is not known.
    timestamp : float
        Seconds since the epoch.
    escape_status : str
        ``escaped``, ``not_escaped``, ``conditional`` or ``unknown``.
    """

    allocation_id: str
    function_name: str
    line_number: int
    allocation_type: str
    size_bytes: int | None
    timestamp: float
    call_stack: list[str]
    symbolic_path: str | None = None
    escape_status: str = "unknown"


@dataclass
class PointerEscapeInfo:
    """How an allocation outlives the function that made it."""

    pointer_id: str
    escapes_via_return: bool
    escapes_via_parameter: bool
    escapes_via_global: bool
    escape_conditions: list[str]
    ownership_transfer: bool


@dataclass
class FunctionSummary:
    """The memory behaviour of one function.

    Attributes
    ----------
    path_conditions : list of str
        One condition a feasible branch; on a failed analysis one entry ``analysis_error: …``.
    memory_balance : int
        Allocations less deallocations.
    is_memory_safe : bool
        False only where a feasible path leaks or grows, or where analysis failed.
    refuted_leaks : int
        Leaks that no values can bring about, and that are left out therefore.
    symbolic_seconds : float
        Of the analysis, what went into asking that.
    """

    function_name: str
    allocations: list[MemoryAllocation]
    deallocations: list[str]
    pointer_escapes: list[PointerEscapeInfo]
    path_conditions: list[str]
    memory_balance: int
    is_memory_safe: bool
    refuted_leaks: int = 0
    symbolic_seconds: float = 0.0


@dataclass
class MemoryLeakReport:
    """A leak or a suspicion of one, with what to do about it.

    Attributes
    ----------
    confidence_score : float
        In [0, 1], computed from the evidence.
    """

    leak_id: str
    detection_result: LeakDetectionResult
    allocation_site: MemoryAllocation
    leak_path: list[str]
    confidence_score: float
    fix_suggestions: list[str]
    impact_assessment: str


@dataclass
class MemorySnapshot:
    """Memory of the machine, the process and the GPU at one moment; MB are 2**20 bytes."""

    timestamp: datetime
    total_memory_mb: float
    available_memory_mb: float
    used_memory_mb: float
    gpu_memory_mb: float
    gpu_available_mb: float
    process_memory_mb: float
    active_allocations_count: int
    leak_risk_score: float
    growth_rate_mb_per_min: float


@dataclass
class MemoryAlert:
    """A threshold that was crossed; severity is LOW, MEDIUM, HIGH or CRITICAL."""

    alert_id: str
    severity: str
    message: str
    timestamp: datetime
    memory_usage_mb: float
    threshold_mb: float
    component: str
    recommendations: list[str]


@dataclass
class MemoryStatistics:
    """What the monitor saw since it was started."""

    monitoring_duration_hours: float
    peak_memory_mb: float
    average_memory_mb: float
    memory_growth_trend: str
    total_leaks_detected: int
    total_leaks_fixed: int
    efficiency_score: float
    snapshots_count: int
