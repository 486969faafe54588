"""The snippets of the system's specification, one test each, with an effect planted in each.

Classes of a snippet that derive from one of ours are written out as the specification has them.
"""

from __future__ import annotations

import ast
import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from kimera_leakguard_native import (
    AutomatedLeakRecovery,
    CognitiveFieldDynamicsGPU,
    GPUMemoryPool,
    KimeraMemoryLeakGuardian,
    KimeraSymbolicExecutor,
    LeakSafeDecisionCache,
    OptimizedContradictionEngine,
    PredictiveLeakDetector,
    analyze_for_leaks,
    get_leak_detection_integrator,
    get_memory_leak_guardian,
    initialize_kimera_leak_detection,
    track_memory_block,
)
from kimera_leakguard_native.engines.contradiction.geoid import GeoidState
from kimera_leakguard_native.guardian import shared as guardians
from kimera_leakguard_native.integration import shared as integrators

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def guardian(monkeypatch: pytest.MonkeyPatch) -> Iterator[KimeraMemoryLeakGuardian]:
    monkeypatch.delenv("KLG_DISABLE", raising=False)
    made = KimeraMemoryLeakGuardian(monitoring_interval=3600)
    monkeypatch.setattr(guardians, "_shared", made)
    monkeypatch.setattr(integrators, "_shared", None)
    yield made
    made.stop_monitoring()


def geoids(count: int = 20) -> list[GeoidState]:
    rows = np.random.default_rng(3).standard_normal((count, 64)).astype(np.float32)
    rows[7] = -rows[2]
    return [GeoidState(f"g{n}", embedding_vector=row) for n, row in enumerate(rows)]


def test_contradiction_engine_integration() -> None:
    class Engine(OptimizedContradictionEngine):
        @analyze_for_leaks
        def detect_contradictions_faiss(self, geoids: Any) -> dict[str, list[str]]:
            with track_memory_block("contradiction_detection"):
                return self._faiss_contradiction_detection(geoids)

        @analyze_for_leaks
        def detect_contradictions(self, geoids: Any = None) -> dict[str, list[str]]:
            with track_memory_block("contradiction_detection"):
                return super().detect_contradictions(geoids)

    engine = Engine(geoids())
    found = engine.detect_contradictions_faiss([f"g{n}" for n in range(20)])
    assert found["g2"] == ["g7"]
    assert sum(map(len, found.values())) == 1
    assert "detect_contradictions_faiss" in " ".join(get_memory_leak_guardian().function_summaries)
    assert get_memory_leak_guardian().total_allocations >= 2


def test_gpu_memory_pool_integration() -> None:
    class GPUMemoryPoolWithLeakDetection(GPUMemoryPool):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.leak_guardian = get_memory_leak_guardian()

        @contextmanager
        def allocate_field_slot(self, geoid_id: str) -> Iterator[int]:
            allocation_info = {
                "function": "allocate_field_slot",
                "type": "gpu_tensor",
                "geoid_id": geoid_id,
                "size": self.embedding_dimension * 4,
            }
            with (
                self.leak_guardian.track_allocation(f"gpu_slot_{geoid_id}", allocation_info),
                super().allocate_field_slot(geoid_id) as slot,
            ):
                yield slot

    pool = GPUMemoryPoolWithLeakDetection(max_concurrent_fields=4)
    with pool.allocate_field_slot("g1") as slot:
        assert "gpu_slot_g1" in get_memory_leak_guardian().active_allocations
        pool.set_embedding(slot, np.ones(1024))
        assert pool.get_memory_stats()["used_slots"] == 1
    assert "gpu_slot_g1" not in get_memory_leak_guardian().active_allocations
    assert pool.get_memory_stats()["used_slots"] == 0


def test_decision_cache_is_bounded_and_least_recently_used_goes_first() -> None:
    cache = LeakSafeDecisionCache(max_size=3)
    for key in ("a", "b", "c"):
        cache.put(key, key.upper())
    assert cache.get("a") == "A"
    cache.put("d", "D")
    assert cache.get("b") is None
    cache.put("d", "again")  # the specification's own code loses an entry here
    assert {key: cache.get(key) for key in ("a", "c", "d")} == {"a": "A", "c": "C", "d": "again"}
    assert cache.leak_guardian is get_memory_leak_guardian()


def test_phase_1_initialization_by_the_historic_path() -> None:
    line = (
        "from backend.analysis.kimera_memory_leak_guardian import "
        "initialize_memory_leak_guardian; print(initialize_memory_leak_guardian().is_monitoring)"
    )
    done = subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native.compat", "-c", line],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "False\n"


def test_phase_2_finds_the_planted_leak_and_not_its_neighbour() -> None:
    critical_functions = {
        "leaks": "def leaks(path):\n    file = open(path)\n    return len(path)\n",
        "safe": "def safe(path):\n    with open(path) as file:\n        return file.read()\n",
    }
    guardian = get_memory_leak_guardian()
    guardian.enable_symbolic_execution = True
    unsafe = []
    for function_name, function_code in critical_functions.items():
        summary = guardian.analyze_function_for_leaks(function_code, function_name)
        if not summary.is_memory_safe:
            unsafe.append(function_name)
    assert unsafe == ["leaks"]


def test_directed_execution_gives_feasible_paths_only() -> None:
    tree = ast.parse(
        "def f(path, n):\n"
        "    file = open(path)\n"
        "    if n > 0:\n"
        "        if n < 0:\n"
        "            return 1\n"
        "    file.close()\n"
    )
    paths = list(KimeraSymbolicExecutor().explore_memory_paths(tree, [2]))
    assert any(6 in path.lines for path in paths)
    assert all(5 not in path.lines for path in paths), "n > 0 and n < 0 is no path"


def test_cognitive_fields_integration() -> None:
    class CognitiveFieldDynamicsWithLeakDetection(CognitiveFieldDynamicsGPU):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.leak_guardian = get_memory_leak_guardian()

        def add_geoid(self, geoid_id: str, embedding: Any) -> None:
            allocation_info = {
                "function": "add_geoid",
                "type": "cognitive_field",
                "geoid_id": geoid_id,
                "size": embedding.size * embedding.itemsize,
            }
            with self.leak_guardian.track_allocation(f"geoid_{geoid_id}", allocation_info):
                super().add_geoid(geoid_id, embedding)

    fields = CognitiveFieldDynamicsWithLeakDetection(8)
    for number in range(25):
        fields.add_geoid(f"g{number}", np.arange(8, dtype=np.float32) + number)
    fields._flush_pending_fields()
    assert len(fields.fields) == 25
    assert get_memory_leak_guardian().total_allocations == 25


def test_recovery_frees_what_was_planted() -> None:
    from kimera_leakguard_native import CognitiveFieldDynamicsWithLeakDetection, RecoveryPolicy

    integrator = get_leak_detection_integrator()
    fields = CognitiveFieldDynamicsWithLeakDetection(256)
    integrator.register_component("cognitive_field_dynamics", fields)
    for number in range(500):
        fields.add_geoid(f"g{number}", np.arange(256, dtype=np.float32) + number)
    recovery = AutomatedLeakRecovery(integrator, RecoveryPolicy(keep_fields=50))
    assert {"gpu_memory_leak", "cache_overflow", "field_accumulation"} <= set(
        recovery.recovery_strategies
    )
    result = asyncio.run(recovery.recovery_strategies["field_accumulation"](None))
    assert result.freed_bytes == 450 * 1024
    asyncio.run(recovery.recover_gpu_memory(None))
    assert fields.field_count == 50


def test_prediction_speaks_of_a_leak_and_not_of_a_steady_service() -> None:
    leaking, steady = PredictiveLeakDetector(limit_mb=1000.0), PredictiveLeakDetector(limit_mb=1e3)
    start = time.time()
    said = None
    for minute in range(60):
        stamp = start + 60.0 * minute
        said = leaking.predict_future_leaks(
            {"timestamp": stamp, "process_memory_mb": 300.0 + 10.0 * minute}
        )
        quiet = steady.predict_future_leaks(
            {"timestamp": stamp, "process_memory_mb": 300.0 + (minute % 3)}
        )
        assert quiet is None
    assert said is not None
    assert said["confidence"] > 0.8
    assert said["recommended_action"] == "preemptive_optimization"
    exhaustion = start + 60.0 * 70
    assert abs(said["predicted_leak_time"] - exhaustion) < 120


def test_an_engine_registers_itself_and_is_reported() -> None:
    class OptimizedContradictionEngineWithLeakDetection(OptimizedContradictionEngine):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.leak_guardian = get_memory_leak_guardian()
            integrator = get_leak_detection_integrator()
            integrator.register_component("contradiction_engine", self)

        @analyze_for_leaks
        def detect_contradictions_faiss(self, geoids: Any) -> dict[str, list[str]]:
            with track_memory_block("faiss_contradiction_detection"):
                return super().detect_contradictions_faiss(geoids)

    engine = OptimizedContradictionEngineWithLeakDetection(geoids())
    assert engine.detect_contradictions_faiss(["g2", "g7"]) == {"g2": ["g7"], "g7": []}
    integrator = get_leak_detection_integrator()
    integrator.check_components()
    report = integrator.generate_integration_report()
    assert report["component_health"]["contradiction_engine"]["performance_impact"] == "excellent"


def test_a_pool_gives_back_what_it_does_not_need() -> None:
    class LeakSafeGPUMemoryPool(GPUMemoryPool):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.leak_guardian = get_memory_leak_guardian()
            self.leak_guardian.enable_gpu_tracking = True

        def optimize_memory_layout(self) -> int:
            leak_reports = self.leak_guardian.detect_gpu_memory_leaks()
            for report in leak_reports:
                if report.confidence_score > 0.7:
                    self.logger.warning("GPU leak detected: %s", report.leak_id)
                    for suggestion in report.fix_suggestions:
                        self.apply_fix_suggestion(suggestion)
            return super().optimize_memory_layout()

    pool = LeakSafeGPUMemoryPool(max_concurrent_fields=4000)
    handles = [pool.lease(f"g{number}") for number in range(4000)]
    for handle in handles[1:]:
        pool.release(handle)
    assert pool.optimize_memory_layout() > 1 << 20


def test_monitoring_sends_an_alert_for_the_critical_component() -> None:
    class KimeraMonitoringCore:
        async def _profile_performance(self) -> None:
            await asyncio.sleep(0)

    class KimeraMonitoringWithLeakDetection(KimeraMonitoringCore):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.leak_integrator = get_leak_detection_integrator()
            self.alerted: list[str] = []

        async def _profile_performance(self) -> None:
            await super()._profile_performance()
            integration_report = self.leak_integrator.generate_integration_report()
            for component_name, health in integration_report["component_health"].items():
                if health["leak_risk_score"] > 0.8:
                    await self._trigger_leak_alert(component_name, health)

        async def _trigger_leak_alert(self, component_name: str, health: Any) -> None:
            assert health["recommendations"]
            self.alerted.append(component_name)

    class Component:
        used = 0

        def get_memory_stats(self) -> dict[str, int]:
            return {"used_bytes": self.used}

    leaking, steady = Component(), Component()
    integrator = get_leak_detection_integrator()
    integrator.register_component("leaking", leaking)
    integrator.register_component("steady", steady)
    for _ in range(12):
        leaking.used += 8 << 30
        integrator.check_components()
        time.sleep(0.002)
    monitoring = KimeraMonitoringWithLeakDetection()
    asyncio.run(monitoring._profile_performance())
    assert monitoring.alerted == ["leaking"]


def test_gradual_rollout(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> Any:
        enabled = os.getenv("KIMERA_ENABLE_LEAK_DETECTION", "false").lower() == "true"
        if not enabled:
            return None
        leak_integrator = await initialize_kimera_leak_detection()
        running = leak_integrator.is_monitoring and leak_integrator.leak_guardian.is_monitoring
        await leak_integrator.stop_integrated_monitoring()
        return running

    monkeypatch.delenv("KIMERA_ENABLE_LEAK_DETECTION", raising=False)
    assert asyncio.run(main()) is None
    monkeypatch.setenv("KIMERA_ENABLE_LEAK_DETECTION", "true")
    assert asyncio.run(main()) is True
