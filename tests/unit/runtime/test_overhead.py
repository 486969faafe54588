import logging

import pytest

from kimera_leakguard_native import LeakDetectionPerformanceMonitor, _core
from kimera_leakguard_native.runtime.overhead import CostReading


def test_the_share_of_the_processor_time_between_two_readings():
    monitor = LeakDetectionPerformanceMonitor()
    assert monitor.overhead_threshold == 0.05
    before = CostReading(10.0, 0.1, 0.2)
    assert monitor.calculate_overhead(before, CostReading(20.0, 0.2, 0.3)) == pytest.approx(0.02)
    # The sampler was started again in between: its totals began anew.
    assert monitor.calculate_overhead(before, CostReading(20.0, 0.05, 0.05)) == pytest.approx(0.01)
    assert monitor.calculate_overhead(before, before) == 0.0


def test_too_much_is_said_and_logged(caplog):
    monitor = LeakDetectionPerformanceMonitor()
    monitor.capture_current_metrics = lambda: CostReading(
        monitor.baseline_metrics.cpu_s + 1.0, monitor.baseline_metrics.sampling_s + 0.2
    )
    with caplog.at_level(logging.WARNING):
        assert not monitor.monitor_overhead()
    assert "20.0%" in caplog.text
    monitor.overhead_threshold = 0.5
    assert monitor.monitor_overhead()


def test_a_running_sampler_has_a_measured_cost():
    monitor = LeakDetectionPerformanceMonitor()
    _core.sampler.start(mean_bytes=4096.0)
    try:
        kept = [bytes(500) for _ in range(50_000)]
        now = monitor.capture_current_metrics()
        totals = _core.sampler.own_capture().totals()
    finally:
        _core.sampler.stop()
    assert len(kept) == 50_000
    assert now.sampling_s > 0
    assert 0 < monitor.calculate_overhead(monitor.baseline_metrics, now) < 1
    # Each of them, and what else was allocated, is counted through the samples.
    assert 40_000 < totals["allocations"] < 500_000
    assert totals["hook_seconds"] < 0.1
