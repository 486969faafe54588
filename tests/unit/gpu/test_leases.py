"""Who holds the slots of a pool, and what keeps a freed one from being handed out."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import numpy as np
import pytest

import kimera_leakguard_native as klg


def line_of(mark: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return 1 + next(k for k, text in enumerate(lines) if text.endswith(f"# {mark}"))


def leak(pool: klg.SlotPool, count: int) -> list[int]:
    return [pool.allocate() for _ in range(count)]  # single leases


def leak_many(pool: klg.SlotPool, count: int) -> list[int]:
    return pool.alloc_many(count).tolist()  # many leases


def test_live_slots_are_named_by_the_line_that_took_them():
    pool = klg.SlotPool(4, capacity=100)
    singles, many = leak(pool, 30), leak_many(pool, 50)
    held = {line: (file, count) for file, line, _, count, _ in pool.holders()}
    assert held == {
        line_of("single leases"): (__file__, 30),
        line_of("many leases"): (__file__, 50),
    }
    assert pool.holders()[0][2] == "leak_many"
    pool.free_many(many)
    for handle in singles[:7]:
        pool.free(handle)
    ((file, line, _, count, age),) = pool.holders()
    assert (file, line, count) == (__file__, line_of("single leases"), 23)
    assert 0 <= age < 60


def test_exhaustion_says_who_holds_the_slots():
    pool = klg.SlotPool(4, capacity=20, name="small")
    leak(pool, 15)
    leak_many(pool, 5)
    for ask in (pool.allocate, lambda: pool.alloc_many(3)):
        with pytest.raises(klg.SlotExhausted, match="20 live") as error:
            ask()
        text = str(error.value)
        assert f"15 by {__file__}:{line_of('single leases')} in " in text
        assert f"5 by {__file__}:{line_of('many leases')} in leak_many" in text


def test_a_thread_that_ends_leaves_its_leases_live_and_to_be_freed():
    pool = klg.SlotPool(4, capacity=200)
    handles: list[int] = []
    for _ in range(100):  # more than there are stripes
        thread = threading.Thread(target=lambda: handles.extend([pool.allocate(), pool.allocate()]))
        thread.start()
        thread.join()
    assert len(set(handles)) == len(pool) == 200
    pool.free_many(handles)
    assert len(pool.alloc_many(200)) == 200


@pytest.mark.parametrize("through_dlpack", [False, True])
def test_a_live_view_keeps_every_slot_that_was_live(through_dlpack):
    pool = klg.SlotPool(4, capacity=8)
    handles = leak(pool, 8)
    for number, handle in enumerate(handles):
        pool.row(handle)[:] = number
    view = np.from_dlpack(pool.view()) if through_dlpack else pool.view()[1:, ::2]
    for handle in handles:
        pool.free(handle)
    assert view[:, 0].tolist() == list(range(8))[-len(view) :]
    with pytest.raises(klg.SlotExhausted, match="8 freed but held"):
        pool.allocate()
    assert pool.shrink() == 0
    del view
    gc.collect()
    assert len(pool.alloc_many(8)) == 8


def test_a_view_outlives_its_pool():
    pool = klg.SlotPool(4)
    pool.row(pool.allocate())[:] = 9
    view = pool.view()
    del pool
    gc.collect()
    assert view[0].tolist() == [9] * 4
