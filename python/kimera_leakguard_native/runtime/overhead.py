"""What watching costs the process that is watched."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from kimera_leakguard_native import _core
from kimera_leakguard_native.errors import LeakGuardError

_LOG = logging.getLogger(__name__)

BUDGET = 0.01
"""Share of the run's time that taking samples may cost where nothing else was asked for."""

OVERHEAD_LIMIT: float = _core.sampler.BUDGET_LIMIT
"""Share of the processor time of a process above which watching it is too dear."""

CREDIT_SECONDS = 0.1
"""Seconds that it may cost on top: importing modules must not widen the mean for the whole run."""


@dataclass(frozen=True, slots=True)
class CostReading:
    """Running totals of this process.

    Attributes
    ----------
    cpu_s : float
        Processor time of all its threads.
    sampling_s : float
        Of it, taking and dropping samples.
    hooks_s : float
        Of it, the hooks' own: their measured cost an allocation times the estimated number of
        allocations.
    mean_bytes : float
        Mean distance of two sample points; it grows where the guard has widened it.
    budget : float
        Share of the time that the guard holds the cost of samples to; 0 where there is none.
    widened : int
        Times it has widened the mean: because of the cost, or for want of room.
    """

    cpu_s: float
    sampling_s: float = 0.0
    hooks_s: float = 0.0
    mean_bytes: float = 0.0
    budget: float = 0.0
    widened: int = 0


def described(totals: dict[str, Any]) -> dict[str, float]:
    """Give the cost of a sampler and what its guard did, as the report of a run has it.

    Parameters
    ----------
    totals : dict
        Of its capture.

    Returns
    -------
    dict
        Shares of the time since the start (``estimated_fraction`` is the sum of
        ``sampling_fraction`` and ``hooks_fraction``; ``budget`` is 0 without a guard), the mean
        that was asked for and the last one in bytes, how often the guard widened it, and how often
        it was made finer because of a suspicion.
    """
    seconds = totals["seconds"]
    sampling = totals["self_seconds"] / seconds if seconds > 0 else 0.0
    hooks = totals["hook_seconds"] / seconds if seconds > 0 else 0.0
    return {
        "estimated_fraction": sampling + hooks,
        "sampling_fraction": sampling,
        "hooks_fraction": hooks,
        "budget": totals["budget"],
        "first_mean_bytes": totals["first_mean_bytes"],
        "mean_bytes": totals["mean_bytes"],
        "widened_for_cost": totals["cost_widened"],
        "widened_for_room": totals["room_widened"],
        "narrowed_for_suspicion": totals["narrowed"],
    }


class LeakDetectionPerformanceMonitor:
    """Measures our own cost in this process since it was made.

    Attributes
    ----------
    baseline_metrics : CostReading
        The totals when it was made, or when `capture_baseline` was assigned to it again.
    overhead_threshold : float
        Share of the processor time that `monitor_overhead` accepts; 5 % unless it is set.
    """

    def __init__(self) -> None:
        self.baseline_metrics = self.capture_baseline()
        self.overhead_threshold = OVERHEAD_LIMIT

    def capture_baseline(self) -> CostReading:
        """Read the totals as they are now."""
        return self.capture_current_metrics()

    def capture_current_metrics(self) -> CostReading:
        """Read the totals as they are now."""
        cpu = time.process_time()
        try:
            totals = _core.sampler.own_capture().totals()
        except LeakGuardError:  # never started here
            return CostReading(cpu)
        return CostReading(
            cpu,
            totals["self_seconds"],
            totals["hook_seconds"],
            totals["mean_bytes"],
            totals["budget"],
            totals["cost_widened"] + totals["room_widened"],
        )

    def calculate_overhead(self, baseline: CostReading, current: CostReading) -> float:
        """Give the share of the processor time between two readings that was ours.

        A sampler that was started in between counts from its start; 0 where no time has passed.
        """
        cpu = current.cpu_s - baseline.cpu_s
        ours = current.sampling_s + current.hooks_s
        before = baseline.sampling_s + baseline.hooks_s
        if ours >= before:
            ours -= before
        return min(1.0, ours / cpu) if cpu > 0 else 0.0

    def monitor_overhead(self) -> bool:
        """Say whether the cost since the baseline is within the threshold; warn where it is not."""
        overhead = self.calculate_overhead(self.baseline_metrics, self.capture_current_metrics())
        if overhead > self.overhead_threshold:
            _LOG.warning(
                "leak detection takes %.1f%% of the processor time, more than %.1f%%",
                100 * overhead,
                100 * self.overhead_threshold,
            )
            return False
        return True
