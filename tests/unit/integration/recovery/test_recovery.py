from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from kimera_leakguard_native.engines.cognitive_field.leak_detection import (
    CognitiveFieldDynamicsWithLeakDetection,
)
from kimera_leakguard_native.engines.decision_cache import LeakSafeDecisionCache
from kimera_leakguard_native.engines.leak_safe_pool import LeakSafeGPUMemoryPool
from kimera_leakguard_native.integration.recovery import heap
from kimera_leakguard_native.integration.recovery.action import Outcome, RecoveryResult
from kimera_leakguard_native.integration.recovery.policy import ACTIONS, RecoveryPolicy
from kimera_leakguard_native.integration.recovery.recovery import AutomatedLeakRecovery

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from kimera_leakguard_native.integration.integrator import KimeraLeakDetectionIntegrator


def run(awaitable: Awaitable[Any]) -> Any:
    async def main() -> Any:
        return await awaitable

    return asyncio.run(main())


@pytest.fixture
def recovery(integrator: KimeraLeakDetectionIntegrator) -> AutomatedLeakRecovery:
    return AutomatedLeakRecovery(integrator, cool_down_s=0.0)


def fields_of(integrator: KimeraLeakDetectionIntegrator, count: int) -> Any:
    fields = CognitiveFieldDynamicsWithLeakDetection(1024, leak_guardian=integrator.leak_guardian)
    integrator.register_component("cognitive_field_dynamics", fields)
    for index in range(count):
        fields.add_geoid(f"g{index}", [1.0] * 1023 + [float(index)])
    return fields


def test_every_strategy_has_the_name_that_policies_use(recovery: AutomatedLeakRecovery) -> None:
    assert tuple(recovery.recovery_strategies) == ACTIONS


def test_field_recovery_keeps_the_newest_and_frees_real_bytes(
    integrator: KimeraLeakDetectionIntegrator,
) -> None:
    fields = fields_of(integrator, 4000)
    recovery = AutomatedLeakRecovery(integrator, RecoveryPolicy(keep_fields=100))
    before = integrator.leak_guardian.registry.totals().live_bytes
    result = run(recovery.recover_field_memory(None))
    assert result.outcome is Outcome.DONE
    assert result.freed_bytes == 3900 * 4096
    assert before - integrator.leak_guardian.registry.totals().live_bytes == 3900 * 4096
    assert fields.field_count == 100
    assert "g3999" in fields.fields
    assert "g0" not in fields.fields
    assert recovery._verify_recovery()
    fields.add_geoid("new", [1.0] * 1024)
    assert fields.field_count == 100, "the bound stays"


def test_fields_without_any_bound_are_left_alone(
    integrator: KimeraLeakDetectionIntegrator, recovery: AutomatedLeakRecovery
) -> None:
    fields = fields_of(integrator, 10)
    result = run(recovery.recover_field_memory(None))
    assert result.outcome is Outcome.NOT_NEEDED
    assert "keep_fields" in result.reason
    assert fields.field_count == 10


def test_gpu_recovery_gives_free_pages_back_and_touches_no_live_row(
    integrator: KimeraLeakDetectionIntegrator, recovery: AutomatedLeakRecovery
) -> None:
    pool = LeakSafeGPUMemoryPool(
        embedding_dimension=1024,
        max_concurrent_fields=20_000,
        leak_guardian=integrator.leak_guardian,
    )
    integrator.register_component("pool", pool)
    handles = [pool.lease(f"g{index}") for index in range(8000)]
    pool.set_embedding(handles[0], [0.5] * 1024)
    for handle in handles[1:]:
        pool.release(handle)
    committed = pool.get_memory_stats()["committed_bytes"]
    result = run(recovery.recover_gpu_memory(None))
    assert result.outcome is Outcome.DONE
    assert result.freed_bytes == committed - pool.get_memory_stats()["committed_bytes"] > 2**20
    assert result.detail["pools"] == result.freed_bytes
    assert float(pool.get_embedding(handles[0])[7]) == 0.5


def test_cache_recovery_drops_what_is_outlived_and_clears_registered_caches(
    integrator: KimeraLeakDetectionIntegrator, recovery: AutomatedLeakRecovery
) -> None:
    times = [0.0]
    cache = LeakSafeDecisionCache(1000, ttl=10.0, clock=lambda: times[0])
    integrator.register_component("decision_cache", cache)
    for index in range(500):
        cache.put(index, "x")
    times[0] = 11.0
    cache.put("fresh", 1)
    hosts_own = {i: bytearray(10_000) for i in range(3000)}
    recovery.register_cache("hosts_own", hosts_own.clear)
    result = run(recovery.recover_cache_memory(None))
    assert result.outcome is Outcome.DONE
    assert result.detail == {"outlived_entries": 500, "cleared_caches": 1}
    assert len(cache.cache) == 1
    assert hosts_own == {}
    assert result.freed_bytes > 20_000_000


def test_the_collector_and_the_heap(recovery: AutomatedLeakRecovery) -> None:
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            cycle: list[Any] = [bytearray(50_000)]
            cycle.append(cycle)
        del cycle
        result = run(recovery.collect_garbage())
    finally:
        gc.enable()
    assert result.detail >= 100
    assert heap.can_trim()
    assert run(recovery.trim_heap()).outcome is Outcome.DONE


def test_recycling_calls_back_or_says_what_is_missing(recovery: AutomatedLeakRecovery) -> None:
    assert "recycle_signal" in run(recovery.recycle_worker()).reason
    called = threading.Event()
    recovery.on_recycle(called.set)
    assert run(recovery.recycle_worker()).detail == "called back"
    assert called.is_set()


def test_acting_unasked_needs_the_policy(integrator: KimeraLeakDetectionIntegrator) -> None:
    fields = fields_of(integrator, 10)
    refused = run(AutomatedLeakRecovery(integrator).recover("field_accumulation"))
    assert refused.outcome is Outcome.NOT_ALLOWED
    assert fields.field_count == 10
    allowing = RecoveryPolicy(frozenset({"field_accumulation"}), keep_fields=5)
    assert run(AutomatedLeakRecovery(integrator, allowing).recover("field_accumulation")).success
    assert fields.field_count == 5
    with pytest.raises(KeyError):
        run(AutomatedLeakRecovery(integrator).recover("prayer"))


def test_a_dry_run_says_and_does_nothing(integrator: KimeraLeakDetectionIntegrator) -> None:
    fields = fields_of(integrator, 10)
    recovery = AutomatedLeakRecovery(integrator, RecoveryPolicy(dry_run=True, keep_fields=5))
    result = run(recovery.recover_field_memory(None))
    assert result.outcome is Outcome.DRY_RUN
    assert "40960 bytes" in result.reason
    assert fields.field_count == 10


def test_an_action_cools_down(integrator: KimeraLeakDetectionIntegrator) -> None:
    recovery = AutomatedLeakRecovery(integrator, cool_down_s=3600.0)
    assert run(recovery.collect_garbage()).outcome is Outcome.DONE
    again = run(recovery.collect_garbage())
    assert again.outcome is Outcome.COOLING_DOWN
    assert run(recovery.trim_heap()).outcome is Outcome.DONE, "each action has its own"


def test_over_budget_is_said_and_nothing_starts_twice(
    integrator: KimeraLeakDetectionIntegrator,
) -> None:
    recovery = AutomatedLeakRecovery(integrator, cool_down_s=0.0, budget_s=0.1)
    released = threading.Event()
    starts: list[float] = []

    def slow() -> None:
        starts.append(time.monotonic())
        released.wait(30)

    recovery.register_cache("slow", slow)

    async def main() -> tuple[RecoveryResult, RecoveryResult]:
        try:
            first = await recovery.recover_cache_memory()
            return first, await recovery.recover_cache_memory()
        finally:
            released.set()

    first, second = asyncio.run(main())
    assert first.outcome is Outcome.OVER_BUDGET
    assert (second.outcome, second.reason) == (Outcome.COOLING_DOWN, "still running")
    assert len(starts) == 1


def test_a_failure_is_a_result(recovery: AutomatedLeakRecovery) -> None:
    def broken() -> None:
        raise OSError("disk on fire")

    recovery.register_cache("broken", broken)
    result = run(recovery.recover_cache_memory())
    assert result.outcome is Outcome.FAILED
    assert "disk on fire" in result.reason
    assert not recovery._verify_recovery()


def test_everything_is_audited(integrator: KimeraLeakDetectionIntegrator, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    recovery = AutomatedLeakRecovery(integrator, audit_path=path)
    run(recovery.collect_garbage())
    run(recovery.recover("heap_trim"))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["action"], row["outcome"]) for row in rows] == [
        ("garbage_collection", "done"),
        ("heap_trim", "not allowed"),
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(recovery.audit.entries()) == 2


def test_an_audit_file_that_cannot_be_written_stops_nothing(
    integrator: KimeraLeakDetectionIntegrator, tmp_path: Path
) -> None:
    recovery = AutomatedLeakRecovery(integrator, audit_path=tmp_path / "no" / "folder")
    assert run(recovery.collect_garbage()).outcome is Outcome.DONE
    assert recovery.audit.lost == 1


def test_policies_refuse_what_cannot_be_meant() -> None:
    with pytest.raises(ValueError, match="'feild_accumulation'"):
        RecoveryPolicy(frozenset({"feild_accumulation"}))
    with pytest.raises(ValueError, match="keep_fields"):
        RecoveryPolicy(keep_fields=0)
