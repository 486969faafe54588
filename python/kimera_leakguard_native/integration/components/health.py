"""The health of one component over time: its readings, its risk, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.engines.risk.component_risk import leak_risks
from kimera_leakguard_native.integration.components.growth import Growth, Series
from kimera_leakguard_native.model.integration import ComponentHealthMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimera_leakguard_native.integration.components.reading import Reading

_MB = 2**20
_MANY_FIELDS = 50_000
_GRADES = ((0.95, "excellent"), (0.80, "good"), (0.60, "degraded"))

BASELINES = {
    "contradiction_engine_ms": 5000.0,
    "gpu_memory_efficiency": 0.90,
    "cache_hit_rate": 0.80,
    "risk_assessment_ms": 5.0,
}
"""Targets that performance is graded by; the integrator's copy may be changed."""


class ComponentHealth:
    """What is known of one component.

    The risk is that of `engines.risk.component_risk.leak_risks`: ``c * g * H / (g * H + h)`` with
    growth g and its confidence c from the last readings, horizon H of an hour, and headroom h, the
    lesser of what the component and what the process may still take. So nothing that does not
    grow is at risk, idle and cold components least of all, and neither is what makes room at its
    own bound.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._bytes = Series()
        self._count = Series()
        self._reading: Reading | None = None

    def add(self, seconds: float, reading: Reading) -> None:
        """Take a reading in, made at a time of the monotonic clock."""
        self._bytes.add(seconds, reading.memory_bytes)
        self._count.add(seconds, reading.allocation_count)
        self._reading = reading

    def restart(self) -> None:
        """Begin anew after something was done about the component."""
        self._bytes.restart()
        self._count.restart()

    def growth(self, process: Growth) -> Growth:
        """Give the growth in bytes a second.

        Of a component that counts its entries and not their bytes, it is at most the growth of
        the process, with the confidence that the entries become more.
        """
        if self._bytes.newest:
            return self._bytes.growth()
        entries = self._count.growth()
        return Growth(process.per_s, entries.confidence) if entries.per_s else Growth(0.0, 0.0)

    def metrics(
        self, process: Growth, headroom_bytes: float, baselines: Mapping[str, float]
    ) -> ComponentHealthMetrics:
        """Judge the last reading."""
        reading = self._reading
        if reading is None:
            return unreadable(self.name, "has not been read yet")
        growth = self.growth(process)
        headroom = headroom_bytes
        if reading.room_bytes is not None:
            headroom = min(headroom, reading.room_bytes)
        risk = 0.0
        if growth.per_s and not reading.evicts:
            risk = float(leak_risks(growth.per_s, headroom, growth.confidence)[0])
        return ComponentHealthMetrics(
            component_name=self.name,
            memory_usage_mb=reading.memory_bytes / _MB,
            gpu_memory_mb=reading.gpu_bytes / _MB,
            allocation_count=reading.allocation_count,
            leak_risk_score=risk,
            performance_impact=_impact(reading, baselines),
            recommendations=_advice(reading, growth, headroom, risk, baselines),
        )


def unreadable(name: str, why: str) -> ComponentHealthMetrics:
    """Describe a component that could not be read."""
    return ComponentHealthMetrics(name, 0.0, 0.0, 0, 0.0, "unknown", [f"{name} {why}"])


def _impact(reading: Reading, baselines: Mapping[str, float]) -> str:
    ratios = []
    if reading.latency_ms:
        ratios.append(baselines[reading.latency_target] / reading.latency_ms)
    if reading.efficiency is not None:
        ratios.append(reading.efficiency / baselines["gpu_memory_efficiency"])
    if reading.hit_rate is not None:
        ratios.append(reading.hit_rate / baselines["cache_hit_rate"])
    if ratios:
        worst = min(ratios)
        return next((grade for least, grade in _GRADES if worst >= least), "critical")
    if reading.fields is not None:
        return "degraded" if reading.fields > _MANY_FIELDS else "stable"
    return "stable" if reading.allocation_count or reading.memory_bytes else "idle"


def _advice(
    reading: Reading,
    growth: Growth,
    headroom: float,
    risk: float,
    baselines: Mapping[str, float],
) -> list[str]:
    advice = []
    if risk > 0.5:
        minutes = headroom / growth.per_s / 60
        left = f"{minutes:.1f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
        advice.append(
            f"grows by {growth.per_s / 1024:.1f} KiB/s with confidence {growth.confidence:.2f}: "
            f"{left} are left; find who adds and never removes"
        )
    if reading.fields is not None and not reading.evicts and growth.confidence > 0.5:
        advice.append(f"{reading.fields} fields and no bound: set max_fields, or remove fields")
    if reading.hit_rate is not None and reading.hit_rate < baselines["cache_hit_rate"]:
        advice.append(f"hit rate {reading.hit_rate:.0%}: a larger cache, or a coarser key")
    if reading.latency_ms and reading.latency_ms > baselines[reading.latency_target]:
        target = baselines[reading.latency_target]
        advice.append(f"{reading.latency_ms:.3g} ms an operation, the target is {target:g} ms")
    if reading.efficiency is not None:
        advice.append(f"{reading.efficiency:.0%} of what it has committed is in use: shrink it")
    return advice
