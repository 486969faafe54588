import logging
import time

import pytest

import kimera_leakguard_native as klg
from kimera_leakguard_native import ConfigError, LeakDetectionPerformanceMonitor, _core
from kimera_leakguard_native.runtime.overhead import CostReading, described


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


def test_the_guard_widens_the_mean_and_says_so():
    # 16 bytes a sample would take most of the time; memory is churned, so that room is not short.
    klg.start(16, budget=0.01, agent=False)
    try:
        until = time.process_time() + 1.0
        while time.process_time() < until:
            [bytes(500) for _ in range(100)]
        now = LeakDetectionPerformanceMonitor().capture_current_metrics()
        report = described(_core.sampler.own_capture().totals())
    finally:
        klg.stop()
    assert now.budget == 0.01
    assert now.widened >= 1
    assert now.mean_bytes >= 1024.0
    assert report["first_mean_bytes"] == 16.0
    assert report["mean_bytes"] == now.mean_bytes
    assert report["widened_for_cost"] == now.widened
    assert report["estimated_fraction"] == pytest.approx(
        report["sampling_fraction"] + report["hooks_fraction"]
    )


def test_without_a_guard_the_mean_stays():
    klg.start(16, budget=0, agent=False)
    try:
        until = time.process_time() + 0.5
        while time.process_time() < until:
            [bytes(500) for _ in range(100)]
        now = LeakDetectionPerformanceMonitor().capture_current_metrics()
    finally:
        klg.stop()
    assert (now.mean_bytes, now.widened, now.budget) == (16.0, 0, 0.0)
    # What the guard is for: the same work costs many times its budget.
    assert now.sampling_s > 0.05


@pytest.mark.parametrize("budget", [-0.01, 0.051, float("nan"), True, "1 %"])
def test_a_budget_that_cannot_be_held_is_refused(budget):
    with pytest.raises(ConfigError, match="budget"):
        klg.start(budget=budget)
    assert not _core.sampler.recording()


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
