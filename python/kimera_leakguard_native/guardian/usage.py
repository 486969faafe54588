"""What snapshots say together: statistics of them all, and the trend of the last hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.guardian import trends
from kimera_leakguard_native.model.guardian import MemoryStatistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimera_leakguard_native.model.guardian import MemorySnapshot


def statistics(
    snapshots: Sequence[MemorySnapshot], leaks: int, fixed: int, alerts: int
) -> MemoryStatistics:
    """Sum up snapshots; zeros and ``NO_DATA`` without any.

    Parameters
    ----------
    leaks, fixed : int
        Reports, and those whose allocation is no longer active.
    alerts : int
        Alerts raised in the same time.
    """
    if not snapshots:
        return MemoryStatistics(0.0, 0.0, 0.0, "NO_DATA", 0, 0, 0.0, 0)
    used = [snapshot.process_memory_mb for snapshot in snapshots]
    seconds = (snapshots[-1].timestamp - snapshots[0].timestamp).total_seconds()
    hours = max(0.0, seconds) / 3600
    return MemoryStatistics(
        monitoring_duration_hours=hours,
        peak_memory_mb=max(used),
        average_memory_mb=sum(used) / len(used),
        memory_growth_trend=trends.classify(used),
        total_leaks_detected=leaks,
        total_leaks_fixed=fixed,
        efficiency_score=trends.efficiency(used, hours, alerts, leaks),
        snapshots_count=len(snapshots),
    )


def trend(snapshots: Sequence[MemorySnapshot], hours: float, alerts: int) -> dict[str, Any]:
    """Describe the resident size of at least one snapshot; units of 2**20 bytes."""
    used = [each.process_memory_mb for each in snapshots]
    growth = [each.growth_rate_mb_per_min for each in snapshots]
    return {
        "period_hours": hours,
        "snapshots_count": len(snapshots),
        "memory_min_mb": min(used),
        "memory_max_mb": max(used),
        "memory_avg_mb": sum(used) / len(used),
        "trend_classification": trends.classify(used),
        "avg_growth_rate_mb_per_min": sum(growth) / len(growth),
        "peak_growth_rate_mb_per_min": max(growth),
        "recent_alerts_count": alerts,
    }
