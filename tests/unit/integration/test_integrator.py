from __future__ import annotations

import asyncio
import gc
import json
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kimera_leakguard_native.engines.leak_safe_pool import LeakSafeGPUMemoryPool
from kimera_leakguard_native.integration import shared
from kimera_leakguard_native.integration.integrator import KimeraLeakDetectionIntegrator

if TYPE_CHECKING:
    from tests.unit.integration.conftest import Clock

    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian

MB = 2**20


class Component:
    """Uses as much memory as it is told, and gives it back when asked."""

    def __init__(self) -> None:
        self.used = 0
        self.cleanups = 0

    def get_memory_stats(self) -> dict[str, Any]:
        return {"used_bytes": self.used, "used_slots": self.used // 1000}

    def cleanup_old_entries(self) -> int:
        self.cleanups += 1
        freed, self.used = self.used, 0
        return freed


def leak(
    integrator: KimeraLeakDetectionIntegrator, component: Component, clock: Clock, passes: int = 12
) -> None:
    for _ in range(passes):
        component.used += 2000 * MB
        clock.now += 30.0
        integrator.check_components()


def test_nothing_is_known_before_the_first_pass(integrator: KimeraLeakDetectionIntegrator) -> None:
    integrator.register_component("one", Component())
    report = integrator.generate_integration_report()
    assert report["component_health"] == {}
    assert set(report) == {
        "integration_summary",
        "component_health",
        "optimization_history",
        "performance_baselines",
        "leak_guardian_report",
    }
    assert set(report["integration_summary"]) == {
        "timestamp",
        "monitored_components",
        "component_health_checks",
        "optimizations_performed",
        "auto_optimization_enabled",
    }
    json.dumps(report)


def test_a_leak_is_optimized_away_and_measured(
    integrator: KimeraLeakDetectionIntegrator, clock: Clock
) -> None:
    component = Component()
    integrator.register_component("any name", component)
    leak(integrator, component, clock)
    assert component.cleanups >= 1
    done = integrator.optimization_history[-1]
    assert done.optimization_type == "any name.cleanup_old_entries"
    assert done.success
    assert done.memory_freed_mb >= 2000.0
    assert done.leaks_fixed > 0
    row = integrator.generate_integration_report()["optimization_history"][-1]
    assert set(row) == {
        "optimization_type",
        "performance_improvement",
        "memory_freed_mb",
        "success",
    }


def test_without_auto_optimization_a_leak_is_only_said(
    guardian: KimeraMemoryLeakGuardian, clock: Clock
) -> None:
    integrator = KimeraLeakDetectionIntegrator(False, leak_guardian=guardian)
    component = Component()
    integrator.register_component("one", component)
    leak(integrator, component, clock)
    health = integrator.component_health["one"]
    assert health.leak_risk_score > 0.7
    assert health.memory_usage_mb == 2000.0 * 12
    assert component.cleanups == 0


def test_what_frees_nothing_is_a_failure_and_cools_down(
    integrator: KimeraLeakDetectionIntegrator, clock: Clock
) -> None:
    class Hoarder(Component):
        def cleanup_old_entries(self) -> int:
            self.cleanups += 1
            return 0

    component = Hoarder()
    integrator.register_component("one", component)
    leak(integrator, component, clock)
    assert component.cleanups == 1
    assert not integrator.optimization_history[-1].success
    assert integrator.optimization_history[-1].memory_freed_mb == 0.0


def test_a_component_that_boasts_is_not_believed(
    integrator: KimeraLeakDetectionIntegrator, clock: Clock
) -> None:
    class Boaster(Component):
        def optimize_memory_layout(self) -> int:
            return 10**9

    component = Boaster()
    component.used = MB
    (first, second) = integrator.optimizer.optimize("one", component)
    assert (first.optimization_type, first.success) == ("one.optimize_memory_layout", False)
    assert first.memory_freed_mb == 0.0
    assert (second.success, second.memory_freed_mb) == (True, 1.0)


def test_a_pool_s_optimization_is_measured_by_what_it_has_committed(
    integrator: KimeraLeakDetectionIntegrator,
) -> None:
    pool = LeakSafeGPUMemoryPool(max_concurrent_fields=4000, leak_guardian=integrator.leak_guardian)
    for handle in [pool.lease(f"g{number}") for number in range(4000)]:
        pool.release(handle)
    committed = pool.get_memory_stats()["committed_bytes"]
    (result,) = integrator.optimizer.optimize("pool", pool)
    left = pool.get_memory_stats()["committed_bytes"]
    assert result.success
    assert result.memory_freed_mb == (committed - left) / MB > 1.0


def test_an_idle_pool_stays_untouched(
    integrator: KimeraLeakDetectionIntegrator, clock: Clock
) -> None:
    pool = LeakSafeGPUMemoryPool(max_concurrent_fields=100, leak_guardian=integrator.leak_guardian)
    integrator.register_component("gpu_memory_pool", pool)
    for _ in range(20):
        clock.now += 30
        integrator.check_components()
    assert integrator.component_health["gpu_memory_pool"].leak_risk_score == 0.0
    assert integrator.optimization_history == []


def test_a_slow_engine_is_accelerated(integrator: KimeraLeakDetectionIntegrator) -> None:
    times = {"latency": 20_000.0}

    def optimize() -> dict[str, float]:
        times["latency"] = 5_000.0
        return {"one_thread_ms": 20_000.0, "all_threads_ms": 5_000.0}

    engine = SimpleNamespace(
        get_performance_stats=lambda: {
            "total_detections": 3,
            "avg_detection_time_ms": times["latency"],
        },
        optimize_performance=optimize,
    )
    integrator.register_component("contradiction_engine", engine)
    assert integrator.check_components()["contradiction_engine"].performance_impact == "critical"
    assert integrator.optimization_history[-1].performance_improvement == pytest.approx(75.0)
    assert integrator.check_components()["contradiction_engine"].performance_impact == "excellent"


def test_a_pass_reads_the_system_once_however_many_components(
    integrator: KimeraLeakDetectionIntegrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    monkeypatch.setattr(
        "kimera_leakguard_native.integration.integrator.headroom_bytes",
        lambda: reads.append("headroom") or 10 * MB,
    )
    monkeypatch.setattr(
        "kimera_leakguard_native.runtime.process.resident_bytes",
        lambda: reads.append("resident") or MB,
    )
    components = [Component() for _ in range(50)]
    for number, component in enumerate(components):
        integrator.register_component(f"c{number}", component)
    assert len(integrator.check_components()) == 50
    assert sorted(reads) == ["headroom", "resident"]


def test_components_are_not_kept_alive(integrator: KimeraLeakDetectionIntegrator) -> None:
    component = Component()
    integrator.register_component("gone", component)
    del component
    gc.collect()
    assert integrator.monitored_components == {}
    assert integrator.check_components() == {}


def test_components_that_raise_hang_or_talk_nonsense_harm_nobody(
    integrator: KimeraLeakDetectionIntegrator,
) -> None:
    released = threading.Event()

    def raises() -> Any:
        raise RuntimeError("broken")

    components = {
        "raises": SimpleNamespace(get_memory_stats=raises),
        "hangs": SimpleNamespace(get_memory_stats=lambda: released.wait(30) and {}),
        "nonsense": SimpleNamespace(get_memory_stats=lambda: {"used_bytes": "lots"}),
        "no dict": SimpleNamespace(get_memory_stats=lambda: 7),
        "fine": Component(),
    }
    for name, component in components.items():
        integrator.register_component(name, component)
    try:
        health = integrator.check_components()
    finally:
        released.set()
    assert {name: each.performance_impact for name, each in health.items()} == {
        "raises": "unknown",
        "hangs": "unknown",
        "nonsense": "unknown",
        "no dict": "unknown",
        "fine": "idle",
    }
    assert "broken" in health["raises"].recommendations[0]
    assert "does not answer" in health["hangs"].recommendations[0]


def test_an_optimization_that_hangs_costs_its_patience_once(
    integrator: KimeraLeakDetectionIntegrator, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr("kimera_leakguard_native.integration.integrator.OPTIMIZATION_S", 0.2)
    released, entered = threading.Event(), []
    stuck, other = Component(), Component()

    def hang() -> None:
        entered.append(1)
        released.wait(60)

    stuck.optimize_memory_layout = hang  # type: ignore[method-assign]
    integrator.register_component("stuck", stuck)
    integrator.register_component("other", other)
    try:
        for _ in range(12):
            stuck.used += 2000 * MB
            leak(integrator, other, clock, 1)
        assert entered == [1]
        assert any(
            each.optimization_type.startswith("other.") for each in integrator.optimization_history
        )
    finally:
        released.set()


def test_a_component_has_a_name_that_can_be_shown(
    integrator: KimeraLeakDetectionIntegrator,
) -> None:
    with pytest.raises(TypeError, match="component_name: expected a str, got int"):
        integrator.register_component(5, Component())  # type: ignore[arg-type]


def test_an_optimization_that_raises_is_recorded_as_failed(
    integrator: KimeraLeakDetectionIntegrator, clock: Clock
) -> None:
    class Broken(Component):
        def cleanup_old_entries(self) -> int:
            raise OSError("no")

    component = Broken()
    integrator.register_component("one", component)
    leak(integrator, component, clock)
    assert not integrator.optimization_history[-1].success


def test_the_history_is_bounded(integrator: KimeraLeakDetectionIntegrator) -> None:
    component = Component()
    for _ in range(1200):
        component.used = MB
        integrator.optimizer.optimize("one", component)
    assert len(integrator.optimization_history) == 1000
    assert integrator.optimizer.performed == 1200
    report = integrator.generate_integration_report()
    assert len(report["optimization_history"]) == 10


async def _monitored(integrator: KimeraLeakDetectionIntegrator) -> None:
    await integrator.start_integrated_monitoring()
    await integrator.start_integrated_monitoring()
    assert integrator.is_monitoring
    assert integrator.leak_guardian.is_monitoring
    for _ in range(200):
        if integrator.component_health:
            break
        await asyncio.sleep(0.01)
    assert "one" in integrator.component_health
    await integrator.stop_integrated_monitoring()
    assert not integrator.is_monitoring
    assert not integrator.leak_guardian.is_monitoring


def test_monitoring_starts_and_stops_and_starts_again(
    integrator: KimeraLeakDetectionIntegrator,
) -> None:
    component = Component()
    integrator.register_component("one", component)
    asyncio.run(_monitored(integrator))
    asyncio.run(_monitored(integrator))


def test_bad_parameters_are_named(guardian: KimeraMemoryLeakGuardian) -> None:
    with pytest.raises(ValueError, match="monitoring_interval"):
        KimeraLeakDetectionIntegrator(monitoring_interval=0, leak_guardian=guardian)
    with pytest.raises(ValueError, match="optimization_threshold"):
        KimeraLeakDetectionIntegrator(optimization_threshold=2, leak_guardian=guardian)
    with pytest.raises(ValueError, match="component 'x'"):
        KimeraLeakDetectionIntegrator(leak_guardian=guardian).register_component("x", None)


def test_disabled_means_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian

    monkeypatch.setenv("KLG_DISABLE", "1")
    integrator = KimeraLeakDetectionIntegrator(leak_guardian=KimeraMemoryLeakGuardian())
    asyncio.run(integrator.start_integrated_monitoring())
    assert not integrator.is_monitoring


def test_the_shared_one_registers_what_announces_itself() -> None:
    early = LeakSafeGPUMemoryPool(max_concurrent_fields=10)
    integrator = shared.get_leak_detection_integrator()
    late = LeakSafeGPUMemoryPool(max_concurrent_fields=10)
    known = list(integrator.monitored_components.values())
    assert any(each is early for each in known)
    assert any(each is late for each in known)
    assert shared.get_leak_detection_integrator() is integrator
