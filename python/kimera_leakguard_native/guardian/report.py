"""The comprehensive report: the union of the keys that clients of the historic one read."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.gpu.device_report import device_memory, read_pool
from kimera_leakguard_native.gpu.slots import live_pools

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian
    from kimera_leakguard_native.model.guardian import FunctionSummary, MemoryLeakReport

_SITES = 100


def comprehensive_report(guardian: KimeraMemoryLeakGuardian) -> dict[str, Any]:
    """Put together what a guardian knows; see `KimeraMemoryLeakGuardian`."""
    summaries = guardian.function_summaries
    unsafe = [name for name, summary in summaries.items() if not summary.is_memory_safe]
    reports = guardian.leak_reports
    active = guardian.active_count
    gpu = guardian.gpu_allocations
    return {
        "analysis_summary": {
            "timestamp": datetime.now(timezone.utc).isoformat(),
            "total_functions_analyzed": len(summaries),
            "unsafe_functions": len(unsafe),
            "safety_ratio": (len(summaries) - len(unsafe)) / max(len(summaries), 1),
            "total_allocations_tracked": sum(len(s.allocations) for s in summaries.values()),
            "active_allocations": active,
            "leak_reports_generated": len(reports),
        },
        "performance_metrics": dict(guardian.analysis_stats),
        "gpu_memory_analysis": _gpu(guardian, len(gpu)),
        "function_summaries": {name: _summary(s) for name, s in summaries.items()},
        "leak_reports": [_leak(report) for report in reports],
        "recommendations": _recommendations(unsafe, len(gpu), active),
        "total_allocations": guardian.total_allocations,
        "monitoring_status": "active" if guardian.is_monitoring else "stopped",
        "gpu_memory_tracking": guardian.enable_gpu_tracking,
        "recorded_sites": _sites(guardian),
        "refused": _refused(guardian),
    }


def _sites(guardian: KimeraMemoryLeakGuardian) -> list[dict[str, Any]]:
    """Join the registry's sites with the lines that lease slots, the most live bytes first.

    A lease stands in its pool's table alone, where it costs eight bytes and no second lock; so the
    history of its line is None. One that is recorded as well has a row of each source.
    """
    rows = [{**row._asdict(), "source": "records"} for row in guardian.registry.usage()]
    now = time.time()
    for pool in live_pools():
        rows += [
            {
                "name": f"{line.file}:{line.line} in {line.function}",
                "live_bytes": line.live_bytes,
                "live_count": line.blocks,
                "total_bytes": None,
                "total_count": None,
                "high_water_bytes": None,
                "oldest_age_s": max(0.0, now - (line.oldest or now)),
                "source": f"slots {pool.name}".rstrip(),
            }
            for line in read_pool(pool).lines
        ]
    return sorted(rows, key=lambda row: (-row["live_bytes"], row["name"]))[:_SITES]


def _gpu(guardian: KimeraMemoryLeakGuardian, entries: int) -> dict[str, Any]:
    memory = guardian.read_gpu_memory() if guardian.enable_gpu_tracking else None
    if memory is None:
        return {}
    return {
        "by_line": [asdict(each) for each in device_memory()],
        "current_usage_bytes": memory.allocated_bytes,
        "baseline_bytes": guardian.gpu_memory_baseline,
        "growth_bytes": memory.allocated_bytes - guardian.gpu_memory_baseline,
        "active_gpu_allocations": entries,
    }


def _summary(summary: FunctionSummary) -> dict[str, Any]:
    return {
        "memory_balance": summary.memory_balance,
        "is_memory_safe": summary.is_memory_safe,
        "allocation_count": len(summary.allocations),
        "deallocation_count": len(summary.deallocations),
        "path_conditions": len(summary.path_conditions),
    }


def _leak(report: MemoryLeakReport) -> dict[str, Any]:
    return {
        "leak_id": report.leak_id,
        "detection_result": report.detection_result.value,
        "confidence_score": report.confidence_score,
        "impact_assessment": report.impact_assessment,
        "fix_suggestions": list(report.fix_suggestions),
    }


def _refused(guardian: KimeraMemoryLeakGuardian) -> Mapping[str, int]:
    totals = guardian.registry.totals()
    return {
        "records": totals.dropped_records,
        "bytes": totals.dropped_bytes,
        "sites": totals.dropped_sites,
        "monitor_failures": guardian.monitor_failures,
    }


def _recommendations(unsafe: Sequence[str], gpu_entries: int, active: int) -> list[str]:
    advice = []
    if unsafe:
        more = f" and {len(unsafe) - 5} more" if len(unsafe) > 5 else ""
        advice.append(f"Review the functions that can leak: {', '.join(unsafe[:5])}{more}")
    if gpu_entries > 100:
        advice.append(f"{gpu_entries} GPU allocations are active: pool them or release them sooner")
    if active > 1000:
        advice.append(
            f"{active} allocations are active: look for scopes and records never released"
        )
    return advice
