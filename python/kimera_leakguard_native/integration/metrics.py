"""Metrics of the integrator's components and of recoveries."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kimera_leakguard_native.exporters.families import PREFIX, Family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kimera_leakguard_native.integration.integrator import KimeraLeakDetectionIntegrator
    from kimera_leakguard_native.integration.recovery.recovery import AutomatedLeakRecovery
    from kimera_leakguard_native.model.integration import ComponentHealthMetrics

MOST_COMPONENTS = 100
"""Components that have series of their own: those at the highest risk."""

_MB = 2**20


class IntegrationMetrics:
    """A source of families.

    Parameters
    ----------
    recovery : AutomatedLeakRecovery, optional
        Whose audit trail is counted.
    """

    def __init__(
        self,
        integrator: KimeraLeakDetectionIntegrator,
        recovery: AutomatedLeakRecovery | None = None,
    ) -> None:
        self._integrator = integrator
        self._recovery = recovery

    def __call__(self) -> Iterator[Family]:
        """Give the families as they are now."""
        health = sorted(
            self._integrator.component_health.values(),
            key=lambda each: (-each.leak_risk_score, each.component_name),
        )[:MOST_COMPONENTS]
        for name, text, value in _FIGURES:
            yield Family(
                f"{PREFIX}component_{name}",
                "gauge",
                text,
                ("component",),
                [((each.component_name,), value(each)) for each in health],
            )
        yield Family(
            f"{PREFIX}optimizations",
            "counter",
            "Optimizations of components.",
            (),
            [((), float(self._integrator.optimizer.performed))],
        )
        if self._recovery is not None:
            yield from self._recovered(self._recovery)

    def _recovered(self, recovery: AutomatedLeakRecovery) -> Iterator[Family]:
        outcomes = Counter((each.action, each.outcome.value) for each in recovery.audit.entries())
        freed: Counter[str] = Counter()
        for each in recovery.audit.entries():
            freed[each.action] += each.freed_bytes
        yield Family(
            f"{PREFIX}recent_recoveries",
            "gauge",
            "Recoveries among the last thousand, by outcome.",
            ("action", "outcome"),
            [(labels, float(count)) for labels, count in sorted(outcomes.items())],
        )
        yield Family(
            f"{PREFIX}recent_recovery_freed_bytes",
            "gauge",
            "Bytes that these have freed.",
            ("action",),
            [((action,), float(size)) for action, size in sorted(freed.items())],
        )


_FIGURES: tuple[tuple[str, str, Callable[[ComponentHealthMetrics], float]], ...] = (
    (
        "leak_risk_ratio",
        "Risk from 0 to 1 that the component exhausts its memory.",
        lambda each: each.leak_risk_score,
    ),
    ("memory_bytes", "Memory of the component.", lambda each: each.memory_usage_mb * _MB),
    ("gpu_memory_bytes", "Device memory of the component.", lambda each: each.gpu_memory_mb * _MB),
    ("allocations", "Allocations of the component.", lambda each: float(each.allocation_count)),
)
