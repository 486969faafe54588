"""What the calls of decorated functions keep: leaking sites whose objects were made within them.

Nothing is measured around a call: the stacks of the samples say which calls an object was made in,
on any thread, in coroutines and in generators too, and its age says that it has been kept.
"""

from __future__ import annotations

from collections import defaultdict
from time import time
from typing import TYPE_CHECKING

from kimera_leakguard_native.guardian.decorator import watched_functions
from kimera_leakguard_native.model.guardian import (
    LeakDetectionResult,
    MemoryAllocation,
    MemoryLeakReport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType

    from kimera_leakguard_native.guardian.decorator import WatchedFunction
    from kimera_leakguard_native.model.frame import Frame
    from kimera_leakguard_native.model.guardian import FunctionSummary
    from kimera_leakguard_native.model.site import SiteVerdict

Key = tuple[str, "CodeType"]
"""File and code of a decorated function."""

CONFIRMED = 0.9


def reports_of(
    leaks: Sequence[SiteVerdict], summary_of: Callable[[Key], FunctionSummary | None]
) -> list[MemoryLeakReport]:
    """Give a report for each decorated function whose calls keep memory, the fastest first.

    Parameters
    ----------
    leaks : sequence of SiteVerdict
        Sites that leak.
    summary_of : callable
        Gives the static summary of a decorated function, None where there is none.
    """
    by_code: dict[tuple[str, str], list[tuple[Key, WatchedFunction]]] = defaultdict(list)
    for key, function in watched_functions():
        if function.called:
            by_code[key[0], key[1].co_name].append((key, function))
    kept: dict[Key, tuple[WatchedFunction, list[SiteVerdict]]] = {}
    for site in leaks:
        for key, function in _calls_in(site.stack, by_code).items():
            kept.setdefault(key, (function, []))[1].append(site)
    reports = [
        (sum(site.growth_bytes_per_s for site in sites), _report(key, function, sites, summary_of))
        for key, (function, sites) in kept.items()
    ]
    reports.sort(key=lambda each: -each[0])
    return [report for _, report in reports]


def _calls_in(
    stack: Sequence[Frame], by_code: dict[tuple[str, str], list[tuple[Key, WatchedFunction]]]
) -> dict[Key, WatchedFunction]:
    return {
        key: function
        for frame in stack
        for key, function in by_code.get((frame.file, frame.function.rpartition(".")[2]), ())
        if _has_line(key[1], frame.line)
    }


def _has_line(code: CodeType, line: int) -> bool:
    return line == 0 or any(line == each for _, _, each in code.co_lines())


def _report(
    key: Key,
    function: WatchedFunction,
    sites: list[SiteVerdict],
    summary_of: Callable[[Key], FunctionSummary | None],
) -> MemoryLeakReport:
    file, code = key
    name = f"{function.module}.{function.qualname}"
    fastest = max(sites, key=lambda site: site.growth_bytes_per_s)
    confidence = max(site.confidence for site in sites)
    stack = [f"{frame.file}:{frame.line} in {frame.function}" for frame in fastest.stack]
    growth = sum(site.growth_bytes_per_s for site in sites)
    places = ", ".join(f"{site.file}:{site.line}" for site in sites[:3])
    more = f" and {len(sites) - 3} more" if len(sites) > 3 else ""
    return MemoryLeakReport(
        leak_id=f"calls_{name}_{code.co_firstlineno}",
        detection_result=LeakDetectionResult.CONFIRMED_LEAK
        if confidence >= CONFIRMED
        else LeakDetectionResult.POTENTIAL_LEAK,
        allocation_site=MemoryAllocation(
            allocation_id=name,
            function_name=function.qualname,
            line_number=code.co_firstlineno,
            allocation_type="sampled",
            size_bytes=sum(site.live_bytes for site in sites),
            timestamp=time(),
            call_stack=stack,
        ),
        leak_path=stack,
        confidence_score=confidence,
        fix_suggestions=[_finding(summary_of(key), file)],
        impact_assessment=f"calls of {name} keep {growth * 60 / 2**20:.2f} MiB a minute,"
        f" made at {places}{more}",
    )


def _finding(summary: FunctionSummary | None, file: str) -> str:
    if summary is None:
        return "its source could not be analysed: read the call stack"
    if not summary.is_memory_safe:
        return f"its source leaks on a path that can be taken: run `klg check {file}`"
    ways = {
        "a global": any(escape.escapes_via_global for escape in summary.pointer_escapes),
        "an argument": any(escape.escapes_via_parameter for escape in summary.pointer_escapes),
        "its result": any(escape.escapes_via_return for escape in summary.pointer_escapes),
    }
    if through := [way for way, used in ways.items() if used]:
        return f"what it makes outlives it through {' and '.join(through)}: look who keeps that"
    return f"its source alone does not show what keeps them: run `klg check {file}`"
