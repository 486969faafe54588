"""What `test_device_pools.py` runs beside the fake driver."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

import kimera_leakguard_native as klg

DRIVER = ctypes.CDLL("libcuda.so.1")
for _name in ("errors", "used", "held", "events_recorded", "held_back", "held_for"):
    getattr(DRIVER, f"fake_{_name}").restype = ctypes.c_uint64
DRIVER.fake_limit.argtypes = [ctypes.c_uint64]

GRANULE = 64 << 10
CUDA = 2  # DLPack's number of the kind of device


@pytest.fixture(autouse=True)
def clean_device():
    DRIVER.fake_limit(2**64 - 1)
    DRIVER.fake_mappable(1)
    DRIVER.fake_finish(1)
    DRIVER.fake_fail(0)
    yield
    gc.collect()
    assert DRIVER.fake_errors() == 0
    assert (DRIVER.fake_used(), DRIVER.fake_held()) == (0, 0)


class Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_uint64),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class Managed(ctypes.Structure):
    _fields_ = (("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    )


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_rename = ctypes.pythonapi.PyCapsule_SetName
_rename.argtypes = [ctypes.py_object, ctypes.c_char_p]


def managed(capsule: object) -> Managed:
    return Managed.from_address(_pointer(capsule, b"dltensor"))


def test_rows_are_written_and_read_where_no_host_pointer_reaches():
    pool = klg.SlotPool(8, "float16", capacity=1000, device="cuda")
    handle = pool.allocate()
    pool.write(handle, [1, 2, 3, 4, 5, 6, 7, 8])
    assert pool.read(handle).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert pool.read(handle).dtype == np.float16
    raw = (ctypes.c_uint16 * 8)()
    context = ctypes.c_void_p()
    DRIVER.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)
    DRIVER.cuCtxPushCurrent_v2(context)
    assert DRIVER.cuMemcpyDtoH_v2(raw, ctypes.c_uint64(pool.address(handle)), 16) == 0
    DRIVER.cuCtxPopCurrent_v2(ctypes.byref(context))
    assert np.frombuffer(raw, np.float16).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    pool.clear(handle)
    assert not pool.read(handle).any()
    with pytest.raises(BufferError, match=r"device memory: take them by DLPack"):
        memoryview(pool.row(handle))
    pool.free(handle)
    for use in (pool.read, pool.clear, pool.address, lambda dead: pool.write(dead, [0] * 8)):
        with pytest.raises(klg.StaleHandle):
            use(handle)


def test_a_pool_grows_on_the_device_and_gives_granules_back():
    pool = klg.SlotPool(1024, capacity=4096, device="cuda:0")
    handles = pool.alloc_many(256)
    for number, handle in enumerate(handles):
        pool.write(handle, np.full(1024, number))
    assert DRIVER.fake_used() == pool.stats()["committed_bytes"] == 256 * 4096
    pool.free_many(handles[:128])
    assert pool.shrink() == 128 * 4096
    assert DRIVER.fake_used() == 128 * 4096
    for number, handle in enumerate(handles[128:], start=128):
        assert (pool.read(handle) == number).all()
    assert pool.index(pool.allocate()) == 0


def test_a_full_device_is_an_exhausted_pool_and_leaves_it_as_it_was():
    DRIVER.fake_limit(GRANULE)
    pool = klg.SlotPool(1024, capacity=4096, device="cuda")
    with pytest.raises(klg.SlotExhausted, match=r"cannot commit .* out of memory"):
        pool.alloc_many(64)
    assert len(pool) == 0
    DRIVER.fake_limit(64 * GRANULE)
    assert len(pool.alloc_many(64)) == 64


def test_a_device_without_virtual_memory_gives_one_block():
    DRIVER.fake_mappable(0)
    pool = klg.SlotPool(128, capacity=100, device="cuda")
    assert DRIVER.fake_used() == 100 * 512
    handle = pool.allocate()
    pool.write(handle, range(128))
    assert pool.read(handle).tolist() == list(range(128))
    assert pool.shrink() == 0


def test_a_failing_device_is_an_error_that_says_what_failed():
    pool = klg.SlotPool(4, capacity=64, device="cuda")
    handle = pool.allocate()
    DRIVER.fake_fail(1)
    for call, text in (
        (lambda: pool.read(handle), "read: cannot read 16 bytes on CUDA device 0: it failed"),
        (lambda: pool.write(handle, [0] * 4), "write: cannot write 16 bytes"),
        (lambda: pool.clear(handle), "clear: cannot fill 16 bytes"),
    ):
        with pytest.raises(RuntimeError, match=text):
            call()
    assert pool.stats()["pins"] == 0
    DRIVER.fake_fail(0)
    pool.free(handle)


def test_array_interface():
    pool = klg.SlotPool(100, "int16", capacity=50, device="cuda", alignment=256)
    handle = pool.alloc_many(3)[2]
    row, view = pool.row(handle), pool.view()
    assert (row.shape, row.dtype, row.device) == ((100,), "int16", "cuda:0")
    assert repr(row) == "<SlotView: (100,) int16 on cuda:0>"
    assert row.__cuda_array_interface__ == {
        "shape": (100,),
        "strides": (2,),
        "typestr": "<i2",
        "data": (pool.address(handle), False),
        "stream": None,
        "version": 3,
    }
    whole = view.__cuda_array_interface__
    assert whole["shape"] == view.shape == (50, 100)
    assert whole["strides"] == (256, 2)
    assert whole["data"][0] == pool.address(handle) - 2 * 256
    assert pool.row(handle, stream=77).__cuda_array_interface__["stream"] == 77
    assert pool.view(stream=0).__cuda_array_interface__["stream"] == 1  # 0 is not allowed there


@pytest.mark.parametrize(
    ("dtype", "code", "bits"),
    [("float16", 2, 16), ("float64", 2, 64), ("int8", 0, 8), ("uint32", 1, 32), ("bool", 6, 8)],
)
def test_capsules_say_where_and_what_the_rows_are(dtype, code, bits):
    pool = klg.SlotPool(10, dtype, capacity=20, device="cuda", alignment=16)
    handle = pool.allocate()
    row, view = pool.row(handle), pool.view()
    assert row.__dlpack_device__() == (CUDA, 0)
    capsule = row.__dlpack__()
    tensor = managed(capsule).tensor
    assert (tensor.data, tensor.byte_offset) == (pool.address(handle), 0)
    assert (tensor.device_type, tensor.device_id) == (CUDA, 0)
    assert (tensor.code, tensor.bits, tensor.lanes) == (code, bits, 1)
    assert (tensor.ndim, tensor.shape[0], tensor.strides[0]) == (1, 10, 1)
    whole = view.__dlpack__(max_version=(1, 1))
    versioned = Versioned.from_address(_pointer(whole, b"dltensor_versioned"))
    assert (versioned.major, versioned.minor, versioned.flags) == (1, 0, 0)
    tensor = versioned.tensor
    stride = -(-10 * bits // 8 // 16) * 16 * 8 // bits
    assert (tensor.ndim, tensor.shape[:2], tensor.strides[:2]) == (2, [20, 10], [stride, 1])


def test_what_dlpack_cannot_give_is_refused():
    pool = klg.SlotPool(4, device="cuda")
    row = pool.row(pool.allocate())
    assert row.__dlpack__(dl_device=(CUDA, 0), copy=False) is not None
    with pytest.raises(BufferError, match=r"on device \(2, 0\), not \(1, 0\)"):
        row.__dlpack__(dl_device=(1, 0))
    with pytest.raises(BufferError, match="not copied"):
        row.__dlpack__(copy=True)
    for stream in (0, -2):
        with pytest.raises(ValueError, match=f"-1, 1, 2 or the number of a stream, got {stream}"):
            row.__dlpack__(stream=stream)
    with pytest.raises(TypeError):
        row.__dlpack__(stream="1")


@pytest.mark.parametrize("taken", [False, True])
def test_a_capsule_keeps_its_slot_from_being_handed_out(taken):
    pool = klg.SlotPool(4, capacity=2, device="cuda")
    first, _ = pool.alloc_many(2).tolist()
    capsule = pool.row(first).__dlpack__()
    pool.free(first)
    assert pool.stats()["deferred"] == 1
    with pytest.raises(klg.SlotExhausted, match="1 freed but held by a row"):
        pool.allocate()
    if taken:  # as a consumer does: from then on its deleter alone lets the rows go
        exported = managed(capsule)
        deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(exported.deleter)
        _rename(capsule, b"used_dltensor")
        del capsule
        assert pool.stats()["deferred"] == 1
        thread = threading.Thread(target=deleter, args=(ctypes.addressof(exported),))
        thread.start()
        thread.join()
    else:
        del capsule
    assert pool.index(pool.allocate()) == 0


def test_a_capsule_outlives_its_pool():
    pool = klg.SlotPool(4, device="cuda")
    pool.allocate()
    capsule = pool.view().__dlpack__()
    del pool
    gc.collect()
    assert DRIVER.fake_used() > 0
    assert managed(capsule).tensor.ndim == 2


@pytest.mark.parametrize(
    ("worked_on", "consumer", "waits"),
    [
        (None, 77, None),
        (77, 77, None),
        (77, -1, None),
        (77, 88, (88, 77)),
        (77, 2, (2, 77)),
        (77, None, (1, 77)),
        (0, 1, None),
        (0, 88, (88, 0)),
    ],
)
def test_the_consumers_stream_waits_for_that_of_the_row(worked_on, consumer, waits):
    pool = klg.SlotPool(4, device="cuda")
    row = pool.row(pool.allocate(), stream=worked_on)
    before = DRIVER.fake_events_recorded()
    row.__dlpack__(stream=consumer)
    assert DRIVER.fake_events_recorded() - before == (waits is not None)
    if waits:
        assert (DRIVER.fake_held_back(), DRIVER.fake_held_for()) == waits


def test_one_event_stands_for_a_batch_of_frees():
    pool = klg.SlotPool(4, capacity=256, device="cuda")
    handles = pool.alloc_many(256)
    DRIVER.fake_finish(0)
    before = DRIVER.fake_events_recorded()
    for handle in handles[:192]:
        pool.free_after(handle, 7)
    assert DRIVER.fake_events_recorded() - before == 3
    with pytest.raises(klg.DoubleFree, match="free_after"):
        pool.free_after(handles[0], 7)
    assert pool.index(pool.allocate_for(7)) < 192
    DRIVER.fake_finish(1)
    # Every call of the pool finds what streams are done with.
    assert len(pool.alloc_many(191)) == 191
    with pytest.raises(klg.SlotExhausted, match="256 live"):
        pool.allocate()


def test_plain_calls_wait_for_streams_before_they_say_that_nothing_is_left():
    pool = klg.SlotPool(4, capacity=4, device="cuda")
    handles = pool.alloc_many(4)
    DRIVER.fake_finish(0)
    for handle in handles:
        pool.free_after(handle, 7)
    assert pool.allocate()
    assert len(pool.alloc_many(3)) == 3


def test_a_memory_pool_leases_rows_of_the_device():
    pool = klg.GPUMemoryPool(embedding_dimension=8, max_concurrent_fields=4)
    assert pool.device == pool.get_memory_stats()["device"] == "cuda:0"
    with pool.allocate_field_slot("a") as handle:
        assert not pool.read_embedding(handle).any()
        pool.set_embedding(handle, np.arange(8))
        assert pool.read_embedding(handle).tolist() == list(range(8))
        row = pool.get_embedding(handle)
        assert managed(row.__dlpack__()).tensor.data == row.__cuda_array_interface__["data"][0]
        pool.get_metadata(handle)[:] = 3
        with pytest.raises(ValueError, match="shape"):
            pool.set_embedding(handle, [1, 2])
        del row
    with pytest.raises(klg.StaleHandle):
        pool.read_embedding(handle)
    with pool.allocate_field_slot("b") as again:
        assert not pool.read_embedding(again).any()
        assert not pool.get_metadata(again).any()
    with pytest.raises(klg.DoubleFree):
        pool.release(again)
    for number in range(4):
        pool.lease(f"g{number}")
    with pytest.raises(klg.SlotExhausted, match="all 4 slots are leased: 4 from"):
        pool.lease("more")
    assert pool.get_memory_stats()["used_slots"] == 4


def test_leases_come_back_behind_the_default_stream():
    pool = klg.GPUMemoryPool(embedding_dimension=8, max_concurrent_fields=64, device="cuda")
    handles = [pool.lease(f"g{number}") for number in range(64)]
    before = DRIVER.fake_events_recorded()
    for handle in handles:
        pool.release(handle)
    assert DRIVER.fake_events_recorded() - before == 1
    assert pool.optimize_memory_layout() > 0


def test_live_rows_are_bit_identical_after_the_layout_was_optimised():
    pool = klg.LeakSafeGPUMemoryPool(
        embedding_dimension=1024, max_concurrent_fields=1000, dtype="float32"
    )
    random = np.random.default_rng(5)
    rows = random.standard_normal((500, 1024), dtype=np.float32)
    handles = [pool.lease(f"g{number}") for number in range(500)]
    for handle, row in zip(handles, rows, strict=True):
        pool.set_embedding(handle, row)
    keep = random.random(500) < 0.05
    for handle, kept in zip(handles, keep, strict=True):
        if not kept:
            pool.release(handle)
    before = DRIVER.fake_used()
    assert pool.optimize_memory_layout() >= before - DRIVER.fake_used() > 0
    for k in np.flatnonzero(keep):
        assert pool.read_embedding(handles[k]).tobytes() == rows[k].tobytes()


def test_leases_on_the_device_are_in_tracemalloc_and_in_the_report_by_line():
    pool = klg.GPUMemoryPool(embedding_dimension=1024, max_concurrent_fields=64)
    tracemalloc.start()
    try:
        handles = [pool.lease(f"g{number}") for number in range(10)]
        domain = tracemalloc.DomainFilter(inclusive=True, domain=0x6B6C67)
        traced = tracemalloc.take_snapshot().filter_traces([domain])
        assert sum(trace.size for trace in traced.traces) == 10 * (2048 + 256)
        for handle in handles:
            pool.release(handle)
        traced = tracemalloc.take_snapshot().filter_traces([domain])
        assert not traced.traces
    finally:
        tracemalloc.stop()
    kept = [pool.lease(f"h{number}") for number in range(3)]
    report = klg.get_memory_leak_guardian().generate_comprehensive_report()
    held = [row for row in report["recorded_sites"] if row["source"] == "slots embeddings"]
    assert [(row["live_count"], row["live_bytes"]) for row in held] == [(3, 3 * 2048)]
    assert "device_pools.py" in held[0]["name"]
    assert len(kept) == 3


def test_exit_with_leases_views_and_capsules_is_quiet():
    code = (
        "import kimera_leakguard_native as klg\n"
        "pool = klg.GPUMemoryPool(embedding_dimension=8, max_concurrent_fields=4)\n"
        "assert pool.device == 'cuda:0'\n"
        "handle = pool.lease('a')\n"
        "capsule = pool.get_embedding(handle).__dlpack__()\n"
        "view = pool.view()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_another_device_is_not_there():
    with pytest.raises(klg.CudaUnavailable, match=r"device 'cuda:3': .*invalid device ordinal"):
        klg.GPUMemoryPool(device="cuda:3")
