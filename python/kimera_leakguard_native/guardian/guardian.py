"""`KimeraMemoryLeakGuardian`: what a program holds on to watch its own memory."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native import config
from kimera_leakguard_native.faults import note_fault
from kimera_leakguard_native.guardian import risk, trends, usage
from kimera_leakguard_native.guardian.alerts import AlertBook
from kimera_leakguard_native.guardian.delivery import AlertSinks
from kimera_leakguard_native.guardian.exhaustion_watch import ExhaustionWatch
from kimera_leakguard_native.guardian.gpu_leaks import gpu_leaks, is_gpu, suspects
from kimera_leakguard_native.guardian.gpu_memory import GpuMemory, read_gpu_memory
from kimera_leakguard_native.guardian.readings import readings_of
from kimera_leakguard_native.guardian.records import RecordBook
from kimera_leakguard_native.guardian.report import comprehensive_report
from kimera_leakguard_native.guardian.scopes import ActiveAllocations, ScopeTracker
from kimera_leakguard_native.guardian.site_alerts import SiteAlerts
from kimera_leakguard_native.guardian.summaries import SummaryBook
from kimera_leakguard_native.model.guardian import (
    FunctionSummary,
    MemoryAlert,
    MemoryAllocation,
    MemoryLeakReport,
    MemorySnapshot,
    MemoryStatistics,
)
from kimera_leakguard_native.runtime import process
from kimera_leakguard_native.runtime.monitor import Monitor
from kimera_leakguard_native.runtime.registry import DROPPED, AllocationRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping

_MB = 2**20
_GROWTH_WINDOW_S = 300.0
_MOST_REPORTS = 1_000


class KimeraMemoryLeakGuardian(ScopeTracker):
    """Tracks allocations, watches the process, and joins both with static analysis.

    `track_allocation` (inherited, in C) is for blocks; `record_allocation` and `release_allocation`
    are for what outlives one. Everything that grows with use is bounded. Nothing of it touches
    tracemalloc. With `KLG_DISABLE` set when it is made, every method does nothing.

    Parameters
    ----------
    enable_symbolic_execution, enable_gpu_tracking : bool
        May also be assigned later. GPU figures need a torch that the program itself has loaded.
    monitoring_interval : float
        Seconds between two snapshots.
    memory_alert_threshold_mb : float
        Resident size above which an alert is raised, in units of 2**20 bytes.
    leak_detection_sensitivity : float
        See `kimera_leakguard_native.guardian.risk.risk_score`.

    Attributes
    ----------
    alert_thresholds : dict of str to float
        Limits of five alerts; may be changed at any time. Two more need none: memory that will be
        exhausted, and leaking sites, where `kimera_leakguard_native.start` was called.
    alert_sinks : AlertSinks
        Who gets the alerts, besides the log: ``alert_sinks.add(callable)``.
    memory_snapshots : deque of MemorySnapshot
        The last 1440.
    monitoring_start_time : datetime or None
        Local time, as `datetime.now()` gives it.
    """

    def __init__(
        self,
        enable_symbolic_execution: bool = True,
        enable_gpu_tracking: bool = True,
        monitoring_interval: float = 5.0,
        memory_alert_threshold_mb: float = 1024.0,
        leak_detection_sensitivity: float = 0.8,
    ) -> None:
        super().__init__()
        if not monitoring_interval > 0:
            raise ValueError(
                f"monitoring_interval: expected seconds > 0, got {monitoring_interval}"
            )
        self.disabled = config.disabled()
        self.tracking_enabled = not self.disabled
        self.enable_symbolic_execution = enable_symbolic_execution
        self.enable_gpu_tracking = enable_gpu_tracking
        self.leak_detection_sensitivity = leak_detection_sensitivity
        self.memory_alert_threshold_mb = memory_alert_threshold_mb
        self.alert_thresholds: dict[str, float] = {
            "memory_usage_mb": memory_alert_threshold_mb,
            "gpu_memory_usage_mb": 512.0,
            "growth_rate_mb_per_min": 50.0,
            "leak_risk_score": 0.7,
            "allocation_count": 10_000,
        }
        self.memory_snapshots: deque[MemorySnapshot] = deque(maxlen=1440)
        self.monitoring_start_time: datetime | None = None
        self.gpu_memory_baseline = 0
        self.logger = logging.getLogger("kimera_leakguard_native.guardian")
        self.registry = AllocationRegistry()
        self._records = RecordBook(self.registry)
        self._summaries = SummaryBook(self.logger)
        self._alerts = AlertBook()
        self._watches = (SiteAlerts(self.add_leak_report, self._summaries.of), ExhaustionWatch())
        self.alert_sinks = AlertSinks()
        self._reports: dict[str, MemoryLeakReport] = {}
        self._lock = threading.Lock()
        self._resident: deque[tuple[float, float]] = deque(maxlen=1440)  # monotonic s, MB
        self._gpu_seen = False
        self._monitor = Monitor(self.check, monitoring_interval, "klg-guardian")

    # What is active

    @property
    def active_allocations(self) -> ActiveAllocations:
        """Live, read-only mapping of id to allocation: open scopes and unreleased records."""
        return ActiveAllocations(self)

    @property
    def active_count(self) -> int:
        """How many allocations are active, equal ids counted each."""
        return self.open_scope_count

    @property
    def total_allocations(self) -> int:
        """How many scopes were entered and records made, ever."""
        return self.entered_scope_total

    @property
    def gpu_allocations(self) -> dict[str, MemoryAllocation]:
        """What is active and says by its type that it lives on a GPU, by id."""
        return {key: each for key, each in self.active_allocations.items() if is_gpu(each)}

    def record_allocation(
        self,
        allocation_id: str,
        allocation_info: Mapping[str, Any] | None = None,
        *,
        owner: object | None = None,
    ) -> int:
        """Record an allocation that outlives the block that makes it.

        Parameters
        ----------
        allocation_info : mapping, optional
            As for `track_allocation`; `function` and `line` name the site, `size` counts in bytes.
        owner : object, optional
            Its end releases the record. It is not kept alive. Needs weak references, which int,
            str, tuple, list and dict do not have.

        Returns
        -------
        int
            The handle for `release_allocation`; 0 where nothing was recorded: the registry's cap
            is reached (counted in the report under ``refused``), or the guardian is disabled.
        """
        if self.disabled:
            return DROPPED
        return self._records.record(self, allocation_id, allocation_info, owner)

    def release_allocation(self, handle: int | str) -> bool:
        """Release a record by its handle, or the newest one of an id.

        Returns
        -------
        bool
            False where nothing had been recorded (handle 0).

        Raises
        ------
        StaleHandle
            It was released before.
        """
        return not self.disabled and self._records.release(handle)

    # Static analysis

    @property
    def function_summaries(self) -> dict[str, FunctionSummary]:
        """Summaries by name, those of decorated functions that have been called included."""
        self._analyze_called()
        return self._summaries.by_name

    def analyze_function_for_leaks(self, function_code: str, function_name: str) -> FunctionSummary:
        """Summarise a function from its source text.

        Never raises: a failed analysis is a summary with ``is_memory_safe`` False and the one path
        condition ``analysis_error: …``, which is not stored.
        """
        if self.disabled:
            return FunctionSummary(
                function_name, [], [], [], ["disabled: KLG_DISABLE is set"], 0, is_memory_safe=True
            )
        return self._summaries.analyze(function_code, function_name)

    def _analyze_called(self) -> None:
        if not self.disabled:
            self._summaries.analyze_called()

    # Monitoring

    @property
    def is_monitoring(self) -> bool:
        """Whether the monitor runs."""
        return self._monitor.running

    @property
    def monitoring_thread(self) -> threading.Thread | None:
        """The monitor's thread, while there is one."""
        return self._monitor.thread

    @property
    def monitoring_interval(self) -> float:
        """Seconds between two snapshots; takes effect after the one that is due."""
        return self._monitor.interval

    @monitoring_interval.setter
    def monitoring_interval(self, seconds: float) -> None:
        if not seconds > 0:
            raise ValueError(f"monitoring_interval: expected seconds > 0, got {seconds}")
        self._monitor.interval = seconds

    @property
    def monitor_failures(self) -> int:
        """How many checks of the monitor raised."""
        return self._monitor.failures

    def start_monitoring(self) -> None:
        """Start the monitor's daemon thread; nothing happens where it runs already."""
        if not self.disabled and self._monitor.start():
            self.monitoring_start_time = datetime.now()  # noqa: DTZ005 - as clients compare it

    def stop_monitoring(self) -> None:
        """Stop the monitor at once and wait until its thread has ended; a busy sink may go on."""
        self._monitor.stop()
        self.alert_sinks.stop()

    def check(self) -> MemorySnapshot:
        """Take a snapshot, raise the alerts it calls for, and look for leaks; what a tick does."""
        snapshot = self.take_snapshot()
        readings = readings_of(snapshot, self.alert_thresholds)
        readings += [each for watch in self._watches for each in watch.readings(snapshot)]
        for alert in self._alerts.judge(readings, snapshot.timestamp, snapshot.process_memory_mb):
            self.logger.warning("%s alert: %s", alert.severity, alert.message)
            self.alert_sinks.put(alert)
        self.detect_gpu_memory_leaks()
        self._analyze_called()
        return snapshot

    def take_snapshot(self) -> MemorySnapshot:
        """Read the memory of the machine, the process and the GPU, and keep the result."""
        machine = process.machine_memory()
        resident_mb = process.resident_bytes() / _MB
        gpu = self.read_gpu_memory() if self.enable_gpu_tracking else None
        gpu_mb = gpu.allocated_bytes / _MB if gpu else 0.0
        efficiency = gpu.allocated_bytes / gpu.reserved_bytes if gpu and gpu.reserved_bytes else 1.0
        with self._lock:
            self._resident.append((time.monotonic(), resident_mb))
            growth = self._growth()
        snapshot = MemorySnapshot(
            timestamp=datetime.now(),  # noqa: DTZ005 - as clients compare it
            total_memory_mb=machine.total_bytes / _MB,
            available_memory_mb=machine.available_bytes / _MB,
            used_memory_mb=(machine.total_bytes - machine.available_bytes) / _MB,
            gpu_memory_mb=gpu_mb,
            gpu_available_mb=gpu.available_bytes / _MB if gpu else 0.0,
            process_memory_mb=resident_mb,
            active_allocations_count=self.active_count,
            leak_risk_score=risk.risk_score(
                growth_mb_per_min=growth,
                active_allocations=self.active_count,
                gpu_memory_mb=gpu_mb,
                memory_efficiency=efficiency,
                sensitivity=self.leak_detection_sensitivity,
            ),
            growth_rate_mb_per_min=growth,
        )
        self.memory_snapshots.append(snapshot)
        return snapshot

    def _growth(self) -> float:
        newest = self._resident[-1][0]
        window = [point for point in self._resident if newest - point[0] <= _GROWTH_WINDOW_S]
        return trends.growth_mb_per_min([t for t, _ in window], [mb for _, mb in window])

    # GPU

    def read_gpu_memory(self) -> GpuMemory | None:
        """Read the GPU's memory, None without one; the first reading is the baseline."""
        memory = read_gpu_memory()
        if memory is not None and not self._gpu_seen:
            self._gpu_seen = True
            self.gpu_memory_baseline = memory.allocated_bytes
        return memory

    def detect_gpu_memory_leaks(self) -> list[MemoryLeakReport]:
        """Suspect allocations once the GPU's memory has grown; [] without a GPU, never raises."""
        if self.disabled or not self.enable_gpu_tracking:
            return []
        try:
            memory = self.read_gpu_memory()
            if memory is None:
                return []
            growth = memory.allocated_bytes - self.gpu_memory_baseline
            reports = gpu_leaks(suspects(self.active_allocations), growth, time.time())
        except Exception as error:  # noqa: BLE001 - it is promised not to raise
            note_fault("GPU leak detection", error)
            return []
        for report in reports:
            self.add_leak_report(report)
        return reports

    # Results

    def add_leak_report(self, report: MemoryLeakReport) -> None:
        """Keep a report; one of the same `leak_id` is replaced. The oldest of 1000 makes room."""
        with self._lock:
            self._reports.pop(report.leak_id, None)
            while len(self._reports) >= _MOST_REPORTS:
                del self._reports[next(iter(self._reports))]
            self._reports[report.leak_id] = report

    @property
    def leak_reports(self) -> list[MemoryLeakReport]:
        """The reports that are kept, oldest first."""
        with self._lock:
            return list(self._reports.values())

    @property
    def memory_alerts(self) -> list[MemoryAlert]:
        """The last 100 alerts, oldest first."""
        return self._alerts.kept()

    @property
    def escape_analysis_cache(self) -> dict[str, Any]:
        """How allocations escape, by function."""
        return {name: s.pointer_escapes for name, s in self._summaries.by_name.items()}

    @property
    def symbolic_states(self) -> dict[str, list[str]]:
        """Path conditions by function."""
        return {name: s.path_conditions for name, s in self._summaries.by_name.items()}

    @property
    def analysis_stats(self) -> dict[str, float]:
        """Counters and times in seconds, computed when asked."""
        used = [snapshot.process_memory_mb for snapshot in list(self.memory_snapshots)]
        analyzed = self._summaries.analyzed
        seconds = self._summaries.seconds
        totals = self.registry.totals()
        return {
            "static_analysis_time": seconds,
            "symbolic_execution_time": self._summaries.symbolic_seconds,
            "total_functions_analyzed": analyzed,
            "leaks_detected": self._summaries.unsafe + len(self._reports),
            "false_positives_filtered": self._summaries.refuted,
            "alerts_generated": self._alerts.total,
            "memory_freed_mb": (totals.total_bytes - totals.live_bytes) / _MB,
            "peak_memory_usage_mb": max(used, default=0.0),
            "average_memory_mb": sum(used) / len(used) if used else 0.0,
            "average_leak_detection_time_ms": 1e3 * seconds / analyzed if analyzed else 0.0,
        }

    def get_recent_alerts(self, hours: float = 1) -> list[MemoryAlert]:
        """Give the alerts of the last hours, oldest first."""
        return self._alerts.recent(datetime.now() - timedelta(hours=hours))  # noqa: DTZ005

    def get_memory_statistics(self) -> MemoryStatistics:
        """Sum up the snapshots that are kept; zeros and ``NO_DATA`` without any.

        `total_leaks_fixed` counts reports whose allocation is no longer active.
        """
        reports = self.leak_reports
        active = self.active_allocations
        fixed = sum(each.allocation_site.allocation_id not in active for each in reports)
        return usage.statistics(
            list(self.memory_snapshots), len(reports), fixed, self._alerts.total
        )

    def get_memory_usage_trend(self, hours: float = 1) -> dict[str, Any]:
        """Describe the resident size over the last hours; units of 2**20 bytes."""
        since = datetime.now() - timedelta(hours=hours)  # noqa: DTZ005
        snapshots = [each for each in list(self.memory_snapshots) if each.timestamp >= since]
        if not snapshots:
            return {"status": "no_data", "message": f"no snapshot in the last {hours:g} h"}
        return usage.trend(snapshots, hours, len(self.get_recent_alerts(hours)))

    def generate_comprehensive_report(self) -> dict[str, Any]:
        """Give everything that is known, as plain data that json can write."""
        return comprehensive_report(self)
