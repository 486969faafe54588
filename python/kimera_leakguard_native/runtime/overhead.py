"""What watching costs the process that is watched."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from kimera_leakguard_native import _core
from kimera_leakguard_native.errors import LeakGuardError

_LOG = logging.getLogger(__name__)

OVERHEAD_LIMIT = 0.05
"""Share of the processor time of a process above which watching it is too dear."""


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
    """

    cpu_s: float
    sampling_s: float = 0.0
    hooks_s: float = 0.0
    mean_bytes: float = 0.0


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
            cpu, totals["self_seconds"], totals["hook_seconds"], totals["mean_bytes"]
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
