"""What a snapshot says against the limits: one reading an alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.guardian.alerts import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimera_leakguard_native.model.guardian import MemorySnapshot


def readings_of(now: MemorySnapshot, limits: Mapping[str, float]) -> list[Reading]:
    """Hold a snapshot against the limits.

    Parameters
    ----------
    limits : mapping of str to float
        As in `KimeraMemoryLeakGuardian.alert_thresholds`.
    """
    return [
        Reading(
            "process",
            "HIGH",
            now.process_memory_mb,
            limits["memory_usage_mb"],
            f"process uses {now.process_memory_mb:.0f} MB, "
            f"above the limit of {limits['memory_usage_mb']:.0f} MB",
            ("run it under `klg run` to see which sites hold the memory",),
        ),
        Reading(
            "gpu",
            "MEDIUM",
            now.gpu_memory_mb,
            limits["gpu_memory_usage_mb"],
            f"{now.gpu_memory_mb:.0f} MB allocated on the GPU, "
            f"above the limit of {limits['gpu_memory_usage_mb']:.0f} MB",
            ("look at `detect_gpu_memory_leaks()`",),
        ),
        Reading(
            "growth_rate",
            "HIGH",
            now.growth_rate_mb_per_min,
            limits["growth_rate_mb_per_min"],
            f"process grows by {now.growth_rate_mb_per_min:.1f} MB/min, "
            f"above the limit of {limits['growth_rate_mb_per_min']:.1f}",
            ("compare two snapshots of `klg run` while it grows",),
        ),
        Reading(
            "leak_detection",
            "CRITICAL",
            now.leak_risk_score,
            limits["leak_risk_score"],
            f"leak risk {now.leak_risk_score:.2f}, "
            f"above the limit of {limits['leak_risk_score']:.2f}",
            ("read `generate_comprehensive_report()`",),
        ),
        Reading(
            "allocations",
            "MEDIUM",
            now.active_allocations_count,
            limits["allocation_count"],
            f"{now.active_allocations_count} allocations are active, "
            f"above the limit of {limits['allocation_count']:.0f}",
            ("look in `active_allocations` for scopes and records that are never released",),
        ),
    ]
