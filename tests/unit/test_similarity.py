"""The canonical dot product, from Python and on a device."""

import random
from array import array

import numpy as np
import pytest

from kimera_leakguard_native import _core, errors


def row(n, seed):
    return np.random.default_rng(seed).standard_normal(n).astype(np.float32)


def oracle(x, y):
    lanes = [0.0] * 32
    for i, (a, b) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        lanes[i % 32] += a * b
    for width in (16, 8, 4, 2, 1):
        for lane in range(width):
            lanes[lane] += lanes[lane + width]
    return lanes[0]


@pytest.mark.parametrize("n", [0, 1, 32, 100, 1024])
def test_the_definition_bit_for_bit(n):
    x, y = row(n, 1), row(n, 2)
    assert _core.similarity.canonical_dot(x, y) == oracle(x, y)


def test_any_float32_buffer_will_do():
    values = array("f", [1.0, 2.0, 3.0])
    assert _core.similarity.canonical_dot(values, values) == 14.0


def test_bad_input_is_named():
    x = row(8, 1)
    with pytest.raises(TypeError, match="x: expected items of format 'f'"):
        _core.similarity.canonical_dot(x.astype(np.float64), x)
    with pytest.raises(ValueError, match="equal lengths, got 8 and 4"):
        _core.similarity.canonical_dot(x, x[:4])
    with pytest.raises(ValueError, match="C-contiguous"):
        _core.similarity.canonical_dot(x, row(16, 2)[::2])
    with pytest.raises(ValueError, match="1 dimension"):
        _core.similarity.canonical_dot(x, x.reshape(2, 4))


def test_a_missing_device_is_said_so():
    if _core.cuda.device_count():
        pytest.skip("there is a CUDA device")
    with pytest.raises(errors.CudaUnavailable, match="canonical_dots: "):
        _core.cuda.canonical_dots(row(6, 1).reshape(2, 3), np.array([[0, 1]]))


def test_pairs_outside_the_matrix_are_refused_before_any_device_is_asked():
    with pytest.raises(IndexError, match=r"pairs\[0\] names a row outside 0\.\.1"):
        _core.cuda.canonical_dots(row(6, 1).reshape(2, 3), np.array([[0, 2]]))


@pytest.mark.gpu
def test_the_device_gives_the_same_bits():
    if not _core.cuda.device_count():
        pytest.skip(f"no CUDA device: {_core.cuda.unavailable_reason()}")
    rows = row(64 * 777, 3).reshape(64, 777)
    choose = random.Random(0)
    pairs = np.array([[choose.randrange(64), choose.randrange(64)] for _ in range(1000)])
    expected = [_core.similarity.canonical_dot(rows[i], rows[j]) for i, j in pairs]
    assert _core.cuda.canonical_dots(rows, pairs) == expected
