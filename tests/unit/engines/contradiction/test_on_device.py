"""The device gives the same bits; without one, errors say why."""

import sys

import numpy as np
import pytest

import kimera_leakguard_native as klg
from kimera_leakguard_native import _core
from kimera_leakguard_native.engines.contradiction.device_rows import lend_rows, on_device
from kimera_leakguard_native.engines.contradiction.neighbours import top_k
from kimera_leakguard_native.engines.contradiction.on_device import uses_device
from kimera_leakguard_native.engines.contradiction.pairs import (
    contradiction_pairs,
    count_pairs,
    cross_pairs,
)


class Array:
    """An array on a device, as far as its interface says."""

    def __init__(self, shape=(3, 4), typestr="<f4", **more):
        self.__cuda_array_interface__ = {
            "shape": shape,
            "typestr": typestr,
            "data": (4096, True),
            "version": 3,
            **more,
        }


class Lent:
    """An array that says by DLPack alone that it lies on a device; its memory is the host's."""

    def __init__(self, x, device=(2, 0)):
        self.x, self.device, self.streams = x, device, []

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, *, stream=None, **options):
        self.streams.append(stream)
        return self.x.__dlpack__(**options)


def matrix(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def test_rows_on_a_device_are_described_and_not_copied():
    assert on_device(Array())
    assert lend_rows(Array(), "x").rows == (4096, 3, 4, 4, 1)
    assert lend_rows(Array(strides=(64, 4), stream=2), "x").rows == (4096, 3, 4, 16, 2)
    assert not on_device(matrix(2, 2))
    assert not on_device([[1.0]])
    assert not on_device(Lent(matrix(2, 2), device=(1, 0)))


@pytest.mark.parametrize("device", [(2, 0), (13, 0)])
def test_dlpack_is_enough(device):
    x = matrix(6, 8)
    before = sys.getrefcount(x)
    array = Lent(x[1:, :5], device)
    assert on_device(array)
    lent = lend_rows(array, "x")
    assert lent.rows == (x.ctypes.data + 32, 5, 5, 8, 1)
    # The producer has been told which stream is to wait for its data.
    assert array.streams == [1]
    assert sys.getrefcount(x) > before
    del lent, array
    assert sys.getrefcount(x) == before


def test_a_capsule_is_taken_once():
    capsule = matrix(2, 2).__dlpack__()
    assert _core.cuda.DlpackArray(capsule).shape == (2, 2)
    with pytest.raises(TypeError, match="capsule that nobody has taken yet"):
        _core.cuda.DlpackArray(capsule)


@pytest.mark.parametrize(
    ("array", "error", "text"),
    [
        (Array(typestr="<f8"), TypeError, "x: expected float32"),
        (Array(shape=(3,)), ValueError, "x: expected 2 dimensions"),
        (Array(strides=(4, 12)), ValueError, "x: expected rows that are contiguous"),
        (Array(strides=(8, 4)), ValueError, "x: expected rows that are contiguous"),
        (Lent(np.ones((3, 4))), TypeError, "x: expected float32 .'<f4'., got '<f8'"),
        (Lent(np.ones((3, 4), np.int32)), TypeError, "got '<i4'"),
        (Lent(np.ones(3, np.float32)), ValueError, "x: expected 2 dimensions"),
        (Lent(np.ones((4, 6), np.float32)[:, ::2]), ValueError, "x: expected rows that are conti"),
    ],
)
def test_arrays_that_cannot_be_read_are_refused(array, error, text):
    with pytest.raises(error, match=text):
        lend_rows(array, "x")


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match="backend: expected 'auto', 'cpu' or 'cuda'"):
        contradiction_pairs(matrix(2, 2), 0.0, backend="gpu")


def test_a_missing_device_is_no_lack_of_memory():
    if _core.cuda.device_count():
        pytest.skip("there is a CUDA device")
    reason = _core.cuda.unavailable_reason()
    for x in (matrix(2, 2), Array(), Lent(matrix(2, 2))):
        with pytest.raises(klg.CudaUnavailable, match=reason):
            contradiction_pairs(x, 0.0, backend="cuda")
    for x in (Array(), Lent(matrix(2, 2))):
        with pytest.raises(klg.CudaUnavailable, match=reason):
            contradiction_pairs(x, 0.0)
        # What runs on the processor copies the rows first.
        for call in (lambda x=x: top_k(x, 1), lambda x=x: count_pairs(x, 0.0)):
            with pytest.raises(klg.CudaUnavailable, match=f"copy_to_host: {reason}"):
                call()
    with pytest.raises(klg.CudaUnavailable, match="find_pairs: "):
        _core.cuda.find_pairs(matrix(2, 2), 0.0)
    with pytest.raises(klg.CudaUnavailable, match="find_pairs: "):
        _core.cuda.find_pairs(matrix(3, 2), 0.0, queries=lend_rows(Lent(matrix(2, 2)), "q").rows)
    with pytest.raises(ValueError, match="queries: rows of 3 entries cannot be compared"):
        _core.cuda.find_pairs(matrix(2, 2), 0.0, queries=matrix(2, 3))
    assert not uses_device(matrix(2, 2), "auto")
    with pytest.raises(klg.CudaUnavailable, match=reason):
        cross_pairs(matrix(2, 2), matrix(3, 2), 0.0, backend="cuda")
    with pytest.raises(klg.CudaUnavailable, match=reason):
        klg.OptimizedContradictionEngine(backend="cuda")


def workloads():
    yield "random", matrix(3000, 384), 0.15
    clustered = matrix(60, 200)[np.arange(2500) % 60] + 0.4 * matrix(2500, 200, 1)
    yield "clustered", clustered, 0.7
    odd = matrix(700, 77)
    odd[5] = odd[600] = odd[3]
    odd[9] = odd[699] = 0.0
    odd[11] *= np.float32(1e37)
    odd[12] *= np.float32(1e-37)
    yield "duplicate, zero and huge rows", odd, 0.1
    grazing = matrix(300, 128)
    scores = contradiction_pairs(grazing, 0.2, below=False).score
    yield "grazing the threshold", grazing, float(scores[len(scores) // 2])
    yield "one entry", matrix(300, 1), 0.5
    yield "one row", matrix(1, 64), 0.5


@pytest.mark.gpu
@pytest.mark.parametrize("below", [True, False])
def test_the_device_finds_the_same_pairs(below):
    if not _core.cuda.device_count():
        pytest.skip(f"no CUDA device: {_core.cuda.unavailable_reason()}")
    for name, x, magnitude in workloads():
        threshold = -magnitude if below else magnitude
        wanted = contradiction_pairs(x, threshold, below=below)
        got = contradiction_pairs(x, threshold, below=below, backend="cuda")
        for ours, theirs in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
    with pytest.raises(ValueError, match="x: row 0 holds NaN or infinity"):
        contradiction_pairs(np.full((2, 3), np.nan, np.float32), 0.0, backend="cuda")


@pytest.mark.gpu
def test_masks_caps_and_queries_on_the_device():
    if not _core.cuda.device_count():
        pytest.skip(f"no CUDA device: {_core.cuda.unavailable_reason()}")
    x = matrix(900, 64)
    mask = np.arange(900) % 3 != 0
    x[~mask] = np.nan
    wanted = contradiction_pairs(x, -0.3, mask=mask)
    got = contradiction_pairs(x, -0.3, mask=mask, backend="cuda")
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    queries = matrix(130, 64, 1)
    wanted = cross_pairs(queries, x, -0.3, mask=mask)
    got = cross_pairs(queries, x, -0.3, mask=mask, backend="cuda")
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(klg.LeakGuardError, match="more than max_pairs=3 "):
        contradiction_pairs(x, -0.3, mask=mask, max_pairs=3, backend="cuda")
