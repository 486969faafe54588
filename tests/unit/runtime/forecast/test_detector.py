"""The detector's contract: what it takes, what it gives, and when it gives None."""

import math
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

import kimera_leakguard_native as klg
from kimera_leakguard_native.model.guardian import MemorySnapshot
from kimera_leakguard_native.model.site import SiteVerdict
from kimera_leakguard_native.runtime.forecast import detector as module
from kimera_leakguard_native.runtime.forecast import traces
from kimera_leakguard_native.runtime.forecast.detector import PredictiveLeakDetector
from kimera_leakguard_native.runtime.forecast.limits import MemoryLimit
from kimera_leakguard_native.runtime.timeline import MAX_POINTS

BEGIN = datetime(2026, 1, 1, 12)  # noqa: DTZ001


def readings(mb_per_minute, minutes=60, base=400.0):
    return [
        {
            "timestamp": BEGIN + timedelta(minutes=k),
            "process_memory_mb": base + mb_per_minute * k,
            "memory_limit_mb": 1000.0,
        }
        for k in range(minutes)
    ]


def test_it_is_public_and_loads_no_library():
    assert klg.PredictiveLeakDetector is PredictiveLeakDetector
    code = (
        "import sys, kimera_leakguard_native as k; k.PredictiveLeakDetector();"
        "print({'numpy', 'scipy', 'sklearn', 'psutil'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_a_leak_that_will_hit_the_limit_is_predicted_with_its_time():
    found = PredictiveLeakDetector().predict_future_leaks(readings(8.0))
    rest = (1000.0 - (400.0 + 8.0 * 59)) / 8.0 * 60.0
    last = (BEGIN + timedelta(minutes=59)).timestamp()
    assert found["recommended_action"] == "preemptive_optimization"
    assert found["predicted_leak_time"] == pytest.approx(last + rest, abs=60.0)
    assert found["earliest"] <= found["predicted_leak_time"] <= found["latest"]
    assert 0.8 < found["confidence"] <= 1.0
    assert found["growth_mb_per_min"] == pytest.approx(8.0, rel=0.01)
    assert found["memory_limit_mb"] == 1000.0


@pytest.mark.parametrize("rate", [0.0, -3.0, 0.5])
def test_no_growth_and_slow_growth_are_none(rate):
    assert PredictiveLeakDetector().predict_future_leaks(readings(rate)) is None


def test_readings_one_by_one_give_the_same_and_stay_bounded():
    detector = PredictiveLeakDetector()
    results = [detector.predict_future_leaks(one) for one in readings(8.0)]
    assert results[3] is None
    assert results[-1] == PredictiveLeakDetector().predict_future_leaks(readings(8.0))
    for one in readings(0.01, minutes=5 * MAX_POINTS):
        detector.predict_future_leaks(one)
    assert len(detector._series.points) <= MAX_POINTS


def test_snapshots_and_plain_sizes_use_the_limit_of_the_machine(monkeypatch):
    mb = 2**20
    monkeypatch.setattr(module, "memory_limit", lambda: MemoryLimit(1100 * mb, 1000 * mb, "cgroup"))
    snapshots = [
        MemorySnapshot(BEGIN + timedelta(minutes=k), 0, 0, 0, 0, 0, 400.0 + 8.0 * k, 0, 0.0, 0.0)
        for k in range(60)
    ]
    found = PredictiveLeakDetector().predict_future_leaks(snapshots)
    assert found["memory_limit_mb"] == pytest.approx(400.0 + 8.0 * 59 + 100.0)
    clock = iter(range(0, 6000, 60))
    monkeypatch.setattr(module.time, "time", lambda: float(next(clock)))
    detector = PredictiveLeakDetector()
    results = [detector.predict_future_leaks(400.0 + 8.0 * k) for k in range(60)]
    assert results[-1]["growth_mb_per_min"] == pytest.approx(8.0, rel=0.01)


def test_sites_are_taken_along():
    sites = [
        SiteVerdict("a.py", 1, "f", 0, 2.0 * 2**20, "leak", 0.9),
        SiteVerdict("b.py", 1, "g", 0, 9.0 * 2**20, "bounded", 0.9),
    ]
    assert module._site_rate(sites) == 2.0
    history = readings(8.0)
    history[-1]["sites"] = sites
    assert PredictiveLeakDetector().predict_future_leaks(history) is not None


@pytest.mark.parametrize(
    ("metrics", "error", "match"),
    [
        ({"cpu": 1}, ValueError, "process_memory_mb"),
        ({"process_memory_mb": "much"}, TypeError, "MB"),
        ({"process_memory_mb": math.nan}, ValueError, ">= 0"),
        ({"process_memory_mb": 1.0, "timestamp": "noon"}, TypeError, "timestamp"),
        ("much", TypeError, "MemorySnapshot"),
        (True, TypeError, "bool"),
        ([1.0, 2.0], TypeError, "timestamp"),
    ],
)
def test_bad_metrics_are_named(metrics, error, match):
    with pytest.raises(error, match=match):
        PredictiveLeakDetector().predict_future_leaks(metrics)


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="horizon_s"):
        PredictiveLeakDetector(horizon_s=0)
    with pytest.raises(ValueError, match="limit_mb"):
        PredictiveLeakDetector(limit_mb=-1)


def test_no_history_is_no_prediction():
    assert PredictiveLeakDetector().predict_future_leaks([]) is None
    assert PredictiveLeakDetector(limit_mb=10.0).predict_future_leaks(5.0) is None


@pytest.mark.slow
def test_training_on_own_traces_changes_the_model():
    detector = PredictiveLeakDetector()
    shipped = detector.leak_prediction_model
    detector.memory_growth_patterns += [traces.simulate("steady leak", n) for n in range(10)]
    assert detector.train_prediction_model() is detector.leak_prediction_model
    assert detector.leak_prediction_model != shipped
    assert detector.predict_future_leaks(readings(8.0)) is not None
