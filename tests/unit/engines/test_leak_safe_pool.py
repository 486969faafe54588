"""Leases that a guardian tracks; the specification's snippet over the base pool."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path

import kimera_leakguard_native as klg
from kimera_leakguard_native.engines import leak_safe_pool


def lease_and_forget(pool, count: int) -> None:
    for number in range(count):
        pool.lease(f"g{number}")  # the leaking line


def test_leaked_leases_are_named_by_line():
    guardian = klg.KimeraMemoryLeakGuardian()
    pool = klg.LeakSafeGPUMemoryPool(embedding_dimension=16, leak_guardian=guardian)
    lease_and_forget(pool, 5)
    with pool.allocate_field_slot("block"):
        assert len(guardian.active_allocations) == 6
    entry = guardian.active_allocations["gpu_slot_g3"]
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    line = 1 + next(k for k, text in enumerate(lines) if text.endswith("# the leaking line"))
    assert entry.line_number == line
    assert entry.function_name.endswith("test_leak_safe_pool.py:lease_and_forget")
    assert (entry.allocation_type, entry.size_bytes) == ("gpu_tensor", 2 * 16 + 256)
    for handle in list(pool.allocated_slots):
        pool.release(handle)
    assert dict(guardian.active_allocations.items()) == {}
    assert guardian.registry.totals().live_count == 0


def test_the_specifications_subclass_runs_as_written():
    class Pool(klg.GPUMemoryPool):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.leak_guardian = klg.KimeraMemoryLeakGuardian()

        @contextmanager
        def allocate_field_slot(self, geoid_id):
            info = {"function": "allocate_field_slot", "type": "gpu_tensor", "geoid_id": geoid_id}
            with (
                self.leak_guardian.track_allocation(f"gpu_slot_{geoid_id}", info),
                super().allocate_field_slot(geoid_id) as slot,
            ):
                yield slot

    pool = Pool(embedding_dimension=4)
    with pool.allocate_field_slot("a") as slot:
        assert "gpu_slot_a" in pool.leak_guardian.active_allocations
        pool.set_embedding(slot, [1, 2, 3, 4])
    assert pool.allocated_slots == {}


def test_a_suggestion_makes_the_pool_give_pages_back():
    pool = klg.GPUMemoryPoolWithLeakDetection(
        embedding_dimension=1024, leak_guardian=klg.KimeraMemoryLeakGuardian()
    )
    handles = [pool.lease(f"g{number}") for number in range(500)]
    for handle in handles[1:]:
        pool.release(handle)
    pool.set_embedding(handles[0], [7] * 1024)
    assert pool.apply_fix_suggestion("give free pages back") > 0
    assert pool.apply_fix_suggestion("give free pages back") == 0
    assert (pool.get_embedding(handles[0]) == 7).all()


def test_the_pool_of_the_process(monkeypatch):
    monkeypatch.setattr(leak_safe_pool, "_pool", None)
    made = klg.initialize_global_memory_pool(embedding_dimension=4, max_concurrent_fields=2)
    assert klg.get_global_memory_pool() is made
    other = klg.initialize_global_memory_pool(embedding_dimension=4)
    assert klg.get_global_memory_pool() is other is not made


def test_a_fix_ends_leases_whose_owner_is_gone_and_no_other():
    class Geoid:
        pass

    guardian = klg.KimeraMemoryLeakGuardian()
    pool = klg.LeakSafeGPUMemoryPool(embedding_dimension=16, leak_guardian=guardian)
    alive, gone = Geoid(), Geoid()
    kept = [pool.lease("alive", owner=alive), pool.lease("without")]
    pool.lease("gone", owner=gone)
    assert pool.release_orphans() == 0
    del gone
    gc.collect()
    pool.apply_fix_suggestion("release gpu_slot_gone when it is done with")
    assert list(pool.allocated_slots) == kept
    assert set(guardian.active_allocations) == {"gpu_slot_alive", "gpu_slot_without"}
