"""One look at a component: everything that it offers as figures with units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.integration.components.protocols import (
    HasAllocations,
    HasCache,
    HasDecisionCache,
    HasFields,
    HasMemoryStats,
    HasPerformanceStats,
    offers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_GIB = 1 << 30
_LATENCIES = (
    ("avg_detection_time_ms", 1.0, "contradiction_engine_ms"),
    ("average_latency_us", 1e-3, "risk_assessment_ms"),
)
_COUNTS = ("total_detections", "execution_count")
_SMALL_WASTE = 4 << 20


@dataclass(frozen=True, slots=True)
class Reading:
    """What a component said of itself; None where it says nothing.

    Attributes
    ----------
    memory_bytes : int
        Of its live records with the guardian, else what it measures itself; 0 if it does neither.
    gpu_bytes : int
        The part of it on a device.
    room_bytes : int or None
        What it may still take until its own bound.
    evicts : bool
        Whether it makes room at its bound, instead of failing there.
    latency_ms : float or None
        Mean of one operation; None before the first.
    latency_target : str
        Which baseline it is graded by.
    efficiency : float or None
        Share of the committed memory that is in use; None where little is committed for nothing.
    hit_rate : float or None
        In [0, 1]; None before the first lookup.
    fields : int or None
        Number of fields.
    """

    memory_bytes: int = 0
    gpu_bytes: int = 0
    allocation_count: int = 0
    room_bytes: int | None = None
    evicts: bool = False
    latency_ms: float | None = None
    latency_target: str = ""
    efficiency: float | None = None
    hit_rate: float | None = None
    fields: int | None = None


def read_component(component: Any) -> Reading:
    """Ask a component for what it offers.

    Raises
    ------
    Exception
        Whatever its methods raise.
    ValueError
        It gives a figure that is no finite number, or is negative.
    """
    values: dict[str, Any] = {}
    if offers(component, HasMemoryStats):
        _read_memory(component.get_memory_stats(), values)
    if offers(component, HasPerformanceStats):
        _read_performance(component.get_performance_stats(), values)
    cache = component.decision_cache if offers(component, HasDecisionCache) else component
    if offers(cache, HasCache):
        _read_cache(cache, values)
    if offers(component, HasFields):
        values["fields"] = values["allocation_count"] = int(
            figure("field_count", component.field_count)
        )
        _read_bound(component, values)
    if offers(component, HasAllocations):
        count, size = component.allocation_usage()
        values["allocation_count"] = int(figure("allocation_usage", count))
        values["memory_bytes"] = int(figure("allocation_usage", size))
    return Reading(**values)


def committed_bytes(component: Any) -> int:
    """Read what a component has committed, as its statistics say; 0 where they do not."""
    total = 0.0
    if offers(component, HasMemoryStats):
        total += figure("committed_bytes", component.get_memory_stats().get("committed_bytes", 0))
    if offers(component, HasPerformanceStats):
        stats = component.get_performance_stats()
        total += figure("committed_bytes", stats.get("committed_bytes", 0))
    return int(total)


def _read_memory(stats: Mapping[str, Any], values: dict[str, Any]) -> None:
    if "used_bytes" in stats:
        used = figure("used_bytes", stats["used_bytes"])
    else:
        used = _GIB * figure("used_memory_gb", stats.get("used_memory_gb", 0))
    values["memory_bytes"] = int(used)
    values["allocation_count"] = int(figure("used_slots", stats.get("used_slots", 0)))
    if "total_memory_gb" in stats:
        total = _GIB * figure("total_memory_gb", stats["total_memory_gb"])
        values["room_bytes"] = max(0, int(total - used))
    committed = figure("committed_bytes", stats.get("committed_bytes", used))
    if committed - used > _SMALL_WASTE:
        values["efficiency"] = used / committed
    if str(stats.get("device", "cpu")).startswith("cuda"):
        values["gpu_bytes"] = int(used)


def _read_performance(stats: Mapping[str, Any], values: dict[str, Any]) -> None:
    if "used_bytes" in stats:
        values.setdefault("memory_bytes", int(figure("used_bytes", stats["used_bytes"])))
    if any(name in stats and not stats[name] for name in _COUNTS):
        return
    for name, unit, target in _LATENCIES:
        if name in stats:
            values["latency_ms"] = unit * figure(name, stats[name])
            values["latency_target"] = target


def _read_cache(cache: HasCache, values: dict[str, Any]) -> None:
    entries = len(cache.cache)
    hits, misses = figure("hit_count", cache.hit_count), figure("miss_count", cache.miss_count)
    values["allocation_count"] = entries
    if hits + misses:
        values["hit_rate"] = hits / (hits + misses)
    size = getattr(cache, "memory_bytes", None)
    if size is not None and not callable(size):
        values["memory_bytes"] = int(figure("memory_bytes", size))
    # A cache without a bound of its own is one that somebody forgot to bound.
    bound = getattr(cache, "max_size", getattr(cache, "max_cache_size", None))
    values["evicts"] = isinstance(bound, int) and entries <= bound


def _read_bound(component: Any, values: dict[str, Any]) -> None:
    bound = getattr(component, "max_fields", None)
    values["evicts"] = isinstance(bound, int) and values["fields"] <= bound


def figure(name: str, value: Any) -> float:
    """Check a figure that a component gave.

    Raises
    ------
    ValueError
        It is no finite number, or is negative.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name}: expected a number, got {type(value).__name__}")  # noqa: TRY004
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{name}: expected a number of at least 0, got {value}")
    return value
