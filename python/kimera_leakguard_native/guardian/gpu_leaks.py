"""Which tracked GPU allocations may be leaks, and how likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.gpu import cupy_probe, torch_probe
from kimera_leakguard_native.model.guardian import (
    LeakDetectionResult,
    MemoryAllocation,
    MemoryLeakReport,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GROWTH_BYTES = 100 * 2**20
OLD_S = 300.0
LARGE_BYTES = 50 * 2**20
_GPU_WORDS = ("gpu", "cuda", "cognitive_field")


def is_gpu(allocation: MemoryAllocation) -> bool:
    """Whether an allocation's type says that it lives on a GPU."""
    kind = str(allocation.allocation_type).lower()
    return any(word in kind for word in _GPU_WORDS)


def device_lines() -> list[MemoryAllocation]:
    """Give what each Python line holds of torch's and CuPy's memory, as one allocation a line.

    Only what is in use counts: slack of their allocators is no leak. [] where neither records any.
    """
    return [
        MemoryAllocation(
            allocation_id=f"{memory.source} {memory.device} {line.file}:{line.line}",
            function_name=line.function,
            line_number=line.line,
            allocation_type=f"gpu_{memory.source}",
            size_bytes=line.live_bytes,
            timestamp=line.oldest,
            call_stack=[f"{line.file}:{line.line} in {line.function}, {line.blocks} blocks"],
        )
        for memory in (*torch_probe.read(), *cupy_probe.read())
        for line in memory.lines
        if line.file and line.oldest is not None
    ]


def suspects(active: Mapping[str, MemoryAllocation]) -> list[MemoryAllocation]:
    """Give what a guardian tracks, and what lines of the program hold on devices."""
    return [*active.values(), *device_lines()]


def gpu_leaks(
    allocations: Iterable[MemoryAllocation], growth_bytes: int, now: float
) -> list[MemoryLeakReport]:
    """Suspect old or large allocations once GPU memory has grown by more than 100 MiB.

    The confidence is ``1 - (1 - a)(1 - b)``: a rises with age from 0.5 at 300 s towards 1 (an hour:
    0.92), b is the allocation's share of the growth, at most 0.9.

    Parameters
    ----------
    growth_bytes : int
        Allocated now less allocated at the baseline.
    now : float
        Seconds since the epoch.
    """
    if growth_bytes <= GROWTH_BYTES:
        return []
    reports = []
    for each in allocations:
        if not is_gpu(each):
            continue
        age, size = now - each.timestamp, each.size_bytes or 0
        if age <= OLD_S and size <= LARGE_BYTES:
            continue
        old = age / (age + OLD_S) if age > OLD_S else 0.0
        large = min(0.9, size / growth_bytes)
        reports.append(
            MemoryLeakReport(
                leak_id=f"gpu_leak_{each.allocation_id}",
                detection_result=LeakDetectionResult.POTENTIAL_LEAK,
                allocation_site=each,
                leak_path=list(each.call_stack) or [f"{each.function_name}:{each.line_number}"],
                confidence_score=1 - (1 - old) * (1 - large),
                fix_suggestions=[
                    f"release {each.allocation_id} in {each.function_name} when it is done with",
                    "drop references to its tensors, also in caches and closures",
                    "return free blocks to the device (torch.cuda.empty_cache())",
                ],
                impact_assessment=f"High - {size / 2**20:.1f} MiB on the GPU for {age:.0f} s",
            )
        )
    return reports
