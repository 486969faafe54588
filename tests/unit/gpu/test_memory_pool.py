"""Leases: checked handles, true figures, and who holds what by line."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kimera_leakguard_native as klg
from kimera_leakguard_native import _core


def small(**kwargs) -> klg.GPUMemoryPool:
    return klg.GPUMemoryPool(embedding_dimension=8, max_concurrent_fields=4, **kwargs)


def test_a_block_has_a_zeroed_slot_and_gives_it_back():
    pool = small()
    with pool.allocate_field_slot("a") as handle:
        assert pool.geoid_to_slot == {"a": handle}
        pool.set_embedding(handle, [1, 2, 3, 4, 5, 6, 7, 8])
        assert pool.get_embedding(handle).dtype == np.float16
        assert pool.get_embedding(handle).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
        copy = pool.read_embedding(handle)
        pool.get_embedding(handle)[0] = 9
        assert copy.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
        metadata = pool.get_metadata(handle)
        assert (metadata.shape, metadata.dtype) == ((64,), np.float32)
        metadata[:] = 3
    assert pool.allocated_slots == {}
    del metadata
    gc.collect()
    with pool.allocate_field_slot("b") as again:
        assert again != handle
        assert not pool.get_embedding(again).any()
        assert not pool.get_metadata(again).any()
    for call in (pool.get_embedding, pool.get_metadata):
        with pytest.raises(klg.StaleHandle):
            call(handle)
    with pytest.raises(klg.StaleHandle):
        pool.set_embedding(handle, np.zeros(8))
    with pytest.raises(klg.DoubleFree):
        pool.release(handle)
    with pytest.raises(klg.ForeignHandle):
        pool.release(12345)


def test_an_error_in_the_block_passes_and_the_slot_comes_back():
    pool = small()
    with pytest.raises(RuntimeError, match="mine"), pool.allocate_field_slot("a"):
        raise RuntimeError("mine")
    with pool.allocate_field_slot("a") as handle:
        pool.release(handle)
    assert pool.free_slots == 4


def test_a_geoid_has_one_lease():
    pool = small()
    first = pool.lease("a")
    with pytest.raises(
        ValueError, match=r"geoid 'a': has a lease already, from .*test_memory_pool"
    ):
        pool.lease("a")
    pool.release(first)
    pool.lease("a")


def test_exhaustion_names_the_lines_that_hold_the_slots():
    pool = small()
    for number in range(3):
        pool.lease(f"g{number}")
    pool.lease("other")
    with pytest.raises(klg.SlotExhausted, match="all 4 slots are leased") as error:
        pool.lease("one more")
    assert "3 from " in str(error.value)
    assert "in test_exhaustion_names_the_lines_that_hold_the_slots" in str(error.value)
    ((_, most, age), (_, one, _)) = pool.leases_by_line()
    assert (most, one) == (3, 1)
    assert age >= 0


def test_a_live_array_keeps_its_slot():
    pool = small()
    handle = pool.lease("a")
    row = pool.get_embedding(handle)
    row[:] = 5
    pool.release(handle)
    others = [pool.lease(f"g{number}") for number in range(3)]
    assert row.tolist() == [5] * 8
    assert len({pool.allocated_slots[other].index for other in others}) == 3
    with pytest.raises(klg.SlotExhausted):
        pool.lease("g3")
    del row
    gc.collect()
    pool.lease("g3")


def test_caps_count_the_metadata():
    pool = klg.GPUMemoryPool(pool_size_gb=1 / 1024, embedding_dimension=1024)
    assert pool.total_slots == 2**20 // (2048 + 256)
    stats = pool.get_memory_stats()
    assert stats["total_memory_gb"] <= 1 / 1024
    assert (stats["used_slots"], stats["device"]) == (0, "cpu")
    with pytest.raises(ValueError, match="no slot of 2304 bytes fits"):
        klg.GPUMemoryPool(pool_size_gb=1e-9)


@pytest.mark.skipif(_core.cuda.device_count() > 0, reason="a CUDA device is here")
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_a_device_that_is_not_there_is_refused_and_auto_does_without(device):
    with pytest.raises(klg.CudaUnavailable, match=f"device '{device}': CUDA device 0: .+"):
        small(device=device)
    assert small(device="cpu").device == small(device="auto").device == "cpu"
    with pytest.raises(ValueError, match="device: expected"):
        small(device="tpu")


@settings(max_examples=30, deadline=None)
@given(kept=st.sets(st.integers(0, 599), max_size=40))
def test_optimising_gives_memory_back_and_leaves_live_rows_alone(kept):
    pool = klg.GPUMemoryPool(embedding_dimension=512, max_concurrent_fields=1000, dtype="float32")
    handles = [pool.lease(f"g{number}") for number in range(600)]
    for number, handle in enumerate(handles):
        pool.set_embedding(handle, np.full(512, number, dtype=np.float32))
    for number, handle in enumerate(handles):
        if number not in kept:
            pool.release(handle)
    before = pool.get_memory_stats()
    freed = pool.optimize_memory_layout()
    after = pool.get_memory_stats()
    assert freed > 0
    assert before["committed_bytes"] - after["committed_bytes"] == freed
    assert after["used_slots"] == len(kept)
    for number in kept:
        assert (pool.get_embedding(handles[number]) == number).all()
    assert pool.view().shape[1] == 512


def test_the_historic_attributes_are_there():
    pool = small()
    with pool.allocate_field_slot("a") as handle:
        index = pool.allocated_slots[handle].index
        assert index not in pool.free_indices
        assert len(pool.free_indices) == pool.free_slots == 3
    assert pool.free_indices == [0, 1, 2, 3]
    stats = pool.allocation_stats
    assert (stats["total_allocations"], stats["total_deallocations"]) == (1, 1)
    assert (stats["peak_usage"], stats["current_usage"]) == (1, 0)


def test_callers_of_the_historic_pool_catch_what_it_raised():
    pool = small()
    with pool.allocate_field_slot("a") as handle:
        pass
    with pytest.raises(ValueError, match="freed before"):
        pool.set_embedding(handle, np.zeros(8))
    for number in range(4):
        pool.lease(f"g{number}")
    with pytest.raises(RuntimeError, match="all 4 slots are leased"):
        pool.lease("more")


def test_wrong_shapes_are_refused():
    pool = small()
    with pool.allocate_field_slot("a") as handle:
        for wrong in (np.zeros(7), np.zeros((1, 8)), [1.0] * 9):
            with pytest.raises(ValueError, match=r"expected an embedding of shape \(8,\)"):
                pool.set_embedding(handle, wrong)
