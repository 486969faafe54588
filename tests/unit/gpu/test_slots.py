"""SlotPool: handles, arrays on its rows, exhaustion, giving memory back."""

import gc
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kimera_leakguard_native as klg
from kimera_leakguard_native import _core

DTYPES = ["float16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"]


def test_a_handle_is_an_int_and_its_row_keeps_what_is_written():
    pool = klg.SlotPool(768)
    handle = pool.allocate()
    assert type(handle) is int
    assert 0 < handle < 2**63
    pool.row(handle)[:] = np.arange(768)
    assert np.array_equal(pool.row(handle), np.arange(768, dtype=np.float32))
    assert np.array_equal(pool.view()[pool.index(handle)], np.arange(768))
    assert len(pool) == 1
    pool.free(handle)
    assert len(pool) == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_by_name_and_by_numpy(dtype):
    for given_as in (dtype, np.dtype(dtype)):
        pool = klg.SlotPool(5, given_as, capacity=10)
        pool.alloc_many(3)
        assert pool.dtype == dtype
        assert pool.view().dtype == np.dtype(dtype)
        assert pool.row(pool.live_handles()[1]).shape == (5,)


def test_double_free_stale_use_and_foreign_handles_are_different_errors():
    pool, other = klg.SlotPool(4, name="mine"), klg.SlotPool(4)
    handle, foreign = pool.allocate(), other.allocate()
    pool.free(handle)
    with pytest.raises(
        klg.DoubleFree, match=r"free: handle 0x\w+ was freed before; slot 0 of Slot"
    ):
        pool.free(handle)
    with pytest.raises(klg.StaleHandle, match="'mine'") as caught:
        pool.row(handle)
    assert not isinstance(caught.value, klg.DoubleFree)
    again = pool.allocate()
    assert pool.index(again) == 0
    with pytest.raises(klg.DoubleFree, match="handed out again since"):
        pool.free(handle)
    assert pool.is_live(again)
    for number in (foreign, 0, -1, 2**63, 2**200, again + (2 << 32)):
        with pytest.raises(klg.ForeignHandle, match="never handed out"):
            pool.free(number)
    for wrong in ("1", 1.0, None):
        with pytest.raises(TypeError, match="expected a handle"):
            pool.free(wrong)
    assert issubclass(klg.DoubleFree, klg.StaleHandle)
    assert issubclass(klg.ForeignHandle, klg.LeakGuardError)


def test_an_exhausted_pool_says_who_and_how_many():
    pool = klg.SlotPool(4, capacity=3, name="tiny")
    pool.alloc_many(3)
    with pytest.raises(klg.SlotExhausted, match=r"'tiny' .*no room for 1 more: 3 live, 0 freed"):
        pool.allocate()
    with pytest.raises(klg.SlotExhausted, match="no room for 4 more"):
        pool.alloc_many(4)
    assert issubclass(klg.SlotExhausted, MemoryError)


def test_many_at_once():
    pool = klg.SlotPool(4, capacity=1000)
    handles = pool.alloc_many(700)
    assert handles.dtype == np.int64
    assert len(set(handles.tolist())) == 700
    assert np.array_equal(np.sort(handles), np.sort(pool.live_handles()))
    with pytest.raises(klg.SlotExhausted):
        pool.alloc_many(301)
    assert len(pool) == 700
    twice = np.append(handles, handles[5])
    with pytest.raises(klg.DoubleFree, match="position 700, nothing freed"):
        pool.free_many(twice)
    assert len(pool) == 700
    pool.free_many(handles[:350].tolist())
    pool.free_many(handles[350:])
    assert len(pool) == 0
    pool.free_many([])
    assert pool.alloc_many(0).shape == (0,)
    with pytest.raises(TypeError, match="int64"):
        pool.free_many(handles.astype(np.float64))
    with pytest.raises(ValueError, match="negative"):
        pool.alloc_many(-1)


def test_a_live_row_keeps_its_slot_from_being_handed_out():
    pool = klg.SlotPool(4, capacity=2)
    handle = pool.allocate()
    row = pool.row(handle)
    part = row[1:3]
    row[:] = 7
    pool.free(handle)
    assert not pool.is_live(handle)
    assert pool.stats()["deferred"] == 1
    other = pool.allocate()
    assert pool.index(other) == 1
    with pytest.raises(klg.SlotExhausted, match="1 live, 1 freed but held by a row"):
        pool.allocate()
    del row
    gc.collect()
    with pytest.raises(klg.SlotExhausted):
        pool.allocate()
    assert part.tolist() == [7, 7]
    del part
    gc.collect()
    assert pool.index(pool.allocate()) == 0


def test_arrays_outlive_the_pool():
    pool = klg.SlotPool(4)
    row, view = pool.row(pool.allocate()), pool.view()
    row[:] = 3
    del pool
    gc.collect()
    assert view[0].tolist() == [3, 3, 3, 3]


def test_view_is_dense_and_zero_copy_and_occupancy_tells_live_rows():
    pool = klg.SlotPool(100, capacity=500)
    handles = pool.alloc_many(100)
    pool.free_many(handles[::2])
    view, live = pool.view(), pool.occupancy()
    assert view.flags.c_contiguous
    assert view.shape == (len(live), 100)
    assert sorted(np.flatnonzero(live)) == sorted(pool.index(h) for h in handles[1::2])
    view[pool.index(handles[1])] = 5
    assert (pool.row(handles[1]) == 5).all()
    padded = klg.SlotPool(100, alignment=64)
    padded.alloc_many(3)
    assert padded.view().strides == (448, 4)
    assert padded.view().ctypes.data % 64 == 0
    assert padded.stats()["padding_bytes"] == 48


def test_shrink_gives_pages_back_and_changes_no_live_row():
    pool = klg.SlotPool(1024, capacity=10_000)
    handles = pool.alloc_many(2000)
    pool.view()[:2000] = np.arange(2000)[:, None]
    keep = handles[::3]
    pool.free_many(np.setdiff1d(handles, keep))
    before = pool.stats()["committed_bytes"]
    freed = pool.shrink()
    stats = pool.stats()
    assert freed == before - stats["committed_bytes"] > before // 2
    assert stats["utilization"] == 1.0
    for handle in keep:
        assert (pool.row(handle) == pool.index(handle)).all()


def test_poison_shows_a_write_after_free():
    pool = klg.SlotPool(8, poison=True)
    handle = pool.allocate()
    view = pool.view()
    pool.free(handle)
    assert np.isnan(view[0]).all()
    view[0, 3] = 1
    del view  # as long as it lives the slot is not handed out
    pool.allocate()
    assert pool.stats()["poison_violations"] == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"dim": 0}, ValueError, "dim"),
        ({"dim": 4, "capacity": 0}, ValueError, "capacity"),
        ({"dim": 4, "capacity": 2**40}, ValueError, "capacity"),
        ({"dim": 4, "dtype": "float33"}, ValueError, "dtype: expected one of float32"),
        ({"dim": 4, "alignment": 3}, ValueError, "alignment"),
        ({"dim": 4, "device": "tpu"}, ValueError, "device"),
        ({"dim": 4, "device": "cuda:x"}, ValueError, "device: expected"),
        ({"dim": 4, "device": "cuda:-1"}, ValueError, "device: expected"),
        ({"dim": 2**50, "capacity": 2**20}, ValueError, "addressable"),
        ({"dim": 2**30, "capacity": 2**20}, klg.SlotExhausted, "reserve"),
    ],
)
def test_impossible_pools_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        klg.SlotPool(**arguments)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("afmsx"), st.integers(0, 1000)), max_size=200))
def test_any_sequence_of_calls_agrees_with_a_model(calls):
    pool = klg.SlotPool(3, "int64", capacity=90)
    live, dead = {}, []
    for call, number in calls:
        if call == "a" and len(live) < 90:
            handle = pool.allocate()
            assert handle not in live
            pool.row(handle)[:] = number
            live[handle] = number
        elif call == "f" and live:
            handle = sorted(live)[number % len(live)]
            assert pool.row(handle).tolist() == [live.pop(handle)] * 3
            pool.free(handle)
            dead.append(handle)
        elif call == "m" and len(live) + number % 20 <= 90:
            for handle in pool.alloc_many(number % 20).tolist():
                pool.row(handle)[:] = number
                live[handle] = number
        elif call == "s":
            pool.shrink()
        elif call == "x" and dead:
            with pytest.raises(klg.DoubleFree):
                pool.free(dead[number % len(dead)])
    assert set(pool.live_handles().tolist()) == set(live)
    assert all(pool.row(h).tolist() == [v] * 3 for h, v in live.items())
    assert pool.stats()["pins"] == 0


def test_the_pool_needs_no_numpy_until_an_array_is_asked_for_and_exit_with_leases_is_quiet():
    code = (
        "import sys, os, kimera_leakguard_native as klg\n"
        "pool = klg.SlotPool(8)\n"
        "handle = pool.allocate()\n"
        "assert 'numpy' not in sys.modules\n"
        "row = pool.row(handle); row[:] = 4\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    row[:] = 5; pool.free(handle); pool.allocate(); sys.exit(3)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3\n"
        "assert row.tolist() == [4.0] * 8 and pool.is_live(handle)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(_core.cuda.device_count() > 0, reason="a CUDA device is here")
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:3"])
def test_a_device_that_is_not_there_is_an_error_that_says_why(device):
    with pytest.raises(klg.CudaUnavailable, match=f"device '{device}': CUDA device .: .+"):
        klg.SlotPool(4, device=device)


@pytest.mark.parametrize("alignment", [1, 64])
def test_a_row_is_copied_in_and_out_and_cleared(alignment):
    pool = klg.SlotPool(3, "float32", alignment=alignment)
    before, handle, behind = pool.alloc_many(3).tolist()
    for other in (before, behind):
        pool.write(other, [9, 9, 9])
    pool.write(handle, np.array([1, 2, 3], np.int64)[::-1])
    assert pool.row(handle).tolist() == [3, 2, 1]
    copy = pool.read(handle)
    pool.clear(handle)
    assert (copy.tolist(), pool.read(handle).tolist()) == ([3, 2, 1], [0, 0, 0])
    assert pool.read(before).tolist() == pool.read(behind).tolist() == [9, 9, 9]
    assert pool.address(handle) == pool.row(handle).ctypes.data
    for wrong in ([1, 2], np.zeros((1, 3)), 4):
        with pytest.raises(ValueError, match=r"write: expected values of shape \(3,\), got \("):
            pool.write(handle, wrong)
    with pytest.raises(ValueError, match="could not convert"):
        pool.write(handle, "abc")
    pool.free(handle)
    for use in (pool.read, pool.clear, pool.address, lambda dead: pool.write(dead, [1, 2, 3])):
        with pytest.raises(klg.StaleHandle):
            use(handle)
    assert pool.stats()["pins"] == 0


def test_host_memory_has_no_streams():
    pool = klg.SlotPool(4)
    handle = pool.allocate()
    for call in (
        lambda: pool.allocate_for(0),
        lambda: pool.free_after(handle, 0),
        lambda: pool.row(handle, stream=0),
        lambda: pool.view(stream=1),
    ):
        with pytest.raises(ValueError, match="host memory has no streams"):
            call()
    assert pool.is_live(handle)
    assert not hasattr(pool.row(handle).base, "__cuda_array_interface__")
