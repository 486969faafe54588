"""Pair search: exact on every path, in a defined order, clear about bad input."""

import array
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from kimera_leakguard_native import _core, errors
from kimera_leakguard_native.bench.oracles.similarity import canonical_scores
from kimera_leakguard_native.engines.contradiction.pairs import (
    contradiction_pairs,
    count_pairs,
    cross_pairs,
    pair_batches,
)


def matrix(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def expected(x, threshold, below=True):
    scores = canonical_scores(x)
    kept = scores < threshold if below else scores > threshold
    i, j = np.nonzero(np.triu(kept, 1))
    return i, j, scores[i, j]


def assert_same(pairs, reference):
    for got, wanted in zip(pairs, reference, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("isa", _core.similarity.instruction_sets())
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("below", [True, False])
def test_bit_equal_to_the_oracle_on_every_instruction_set(monkeypatch, isa, threads, below):
    monkeypatch.setenv("KLG_ISA", isa)
    try:
        assert _core.similarity.instruction_set() == isa
    except errors.LeakGuardError as reason:
        pytest.skip(str(reason))
    x = matrix(300, 100)
    threshold = -0.15 if below else 0.15
    reference = expected(x, threshold, below)
    assert len(reference[0]) > 100
    assert_same(contradiction_pairs(x, threshold, below=below, threads=threads), reference)
    assert count_pairs(x, threshold, below=below, threads=threads) == len(reference[0])


@pytest.mark.parametrize("filter_name", ["floats", "halves", "codes"])
def test_no_filter_changes_the_result(filter_name):
    x = matrix(1500, 48)
    try:
        scan = _core.similarity.PairScan(x, 0.4, False, 2, filter=filter_name)
    except errors.LeakGuardError as reason:
        pytest.skip(str(reason))
    assert scan.filter == filter_name
    assert_same(scan.collect()[0], expected(x, 0.4, below=False))


def test_an_unselective_threshold_makes_the_scan_choose_a_finer_filter():
    if _core.similarity.instruction_set() == "baseline":
        pytest.skip("only one filter in this instruction set")
    x = matrix(2000, 64)
    assert _core.similarity.PairScan(x, 0.9, False).filter == "codes"
    assert _core.similarity.PairScan(x, 0.0, False).filter != "codes"


def test_an_unknown_instruction_set_is_refused(monkeypatch):
    monkeypatch.setenv("KLG_ISA", "avx1024")
    with pytest.raises(errors.LeakGuardError, match="KLG_ISA=avx1024"):
        contradiction_pairs(matrix(3, 3), 0.0)


def test_batches_and_the_whole_agree():
    x = matrix(4500, 8)
    whole = contradiction_pairs(x, 0.0)
    batches = list(pair_batches(x, 0.0))
    assert len(batches) > 1
    for part, field in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([b[part] for b in batches]), field)


def test_the_cap_is_an_error_and_exact():
    x = matrix(50, 8)
    every = contradiction_pairs(x, 0.0)
    assert_same(contradiction_pairs(x, 0.0, max_pairs=len(every.i)), every)
    with pytest.raises(errors.LeakGuardError, match="more than max_pairs="):
        contradiction_pairs(x, 0.0, max_pairs=len(every.i) - 1)


def test_cross_pairs_compare_every_query_with_every_row():
    queries, x = matrix(70, 40, 1), matrix(110, 40, 2)
    scores = canonical_scores(queries, x)
    i, j = np.nonzero(scores < -0.2)
    assert len(i) > 10
    assert_same(cross_pairs(queries, x, -0.2, threads=2), (i, j, scores[i, j]))
    one = cross_pairs(queries[3], x, -0.2)
    np.testing.assert_array_equal(one.j, j[i == 3])


def test_masked_rows_do_not_exist():
    x = matrix(120, 20)
    mask = np.arange(120) % 3 != 0
    x[~mask] = np.nan
    reference = contradiction_pairs(np.ascontiguousarray(x[mask]), -0.2)
    places = np.flatnonzero(mask)
    pairs = contradiction_pairs(x, -0.2, mask=mask)
    assert_same(pairs, (places[reference.i], places[reference.j], reference.score))
    assert len(pairs.i) > 10


def test_zero_rows_match_nothing():
    x = np.zeros((4, 8), dtype=np.float32)
    x[0, 0] = x[2, 1] = 1.0
    assert_same(contradiction_pairs(x, 0.5), ([0], [2], [0.0]))


def test_equal_and_opposite_rows_score_exactly_one():
    row = matrix(1, 777)
    x = np.concatenate([row, row, -row, row * np.float32(2.0**40)])
    pairs = contradiction_pairs(x, -0.5, below=False)
    np.testing.assert_array_equal(pairs.score, [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(contradiction_pairs(x, -0.5).score, [-1.0, -1.0, -1.0])


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (5, 0), (0, 0)])
def test_too_little_to_compare_gives_no_pairs(shape):
    pairs = contradiction_pairs(np.ones(shape, dtype=np.float32), 0.5)
    assert [len(part) for part in pairs] == [0, 0, 0]
    assert pairs.i.dtype == pairs.j.dtype == np.int64
    assert pairs.score.dtype == np.float64


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_no_number_is_named(value):
    x = matrix(40, 7)
    x[23, 6] = value
    with pytest.raises(ValueError, match="x: row 23 holds NaN or infinity"):
        contradiction_pairs(x, 0.0)
    with pytest.raises(ValueError, match="queries: row 23 holds"):
        cross_pairs(x, matrix(3, 7), 0.0)


@pytest.mark.parametrize("threshold", [-1.01, 1.01, np.nan, np.inf])
def test_a_threshold_that_is_no_cosine_is_refused(threshold):
    with pytest.raises(ValueError, match=r"threshold: a cosine lies in \[-1, 1\]"):
        contradiction_pairs(matrix(3, 3), threshold)


def test_other_bad_arguments_are_named():
    x = matrix(6, 4)
    with pytest.raises(TypeError, match="x: expected float32, got float64"):
        contradiction_pairs(x.astype(np.float64), 0.0)
    with pytest.raises(TypeError, match="x: expected float32, got >f4"):
        contradiction_pairs(x.astype(">f4"), 0.0)
    with pytest.raises(ValueError, match="x: expected 2 dimensions"):
        contradiction_pairs(x[0], 0.0)
    with pytest.raises(ValueError, match="mask: expected bool"):
        contradiction_pairs(x, 0.0, mask=np.ones(5, dtype=bool))
    with pytest.raises(ValueError, match="mask: expected bool"):
        contradiction_pairs(x, 0.0, mask=np.ones(6))
    with pytest.raises(ValueError, match="threads: expected at least 1"):
        contradiction_pairs(x, 0.0, threads=0)
    with pytest.raises(ValueError, match="rows of 3 entries cannot be compared with rows of 4"):
        cross_pairs(matrix(2, 3), x, 0.0)


def test_more_rows_than_an_index_can_count_are_refused_at_once():
    x = np.broadcast_to(np.ones((1, 4), dtype=np.float32), (2**32, 4))
    with pytest.raises(ValueError, match="x: 4294967296 rows are too many"):
        contradiction_pairs(x, 0.0)


def test_rows_that_change_during_a_call_harm_only_its_result():
    x = matrix(4000, 64)
    reference = contradiction_pairs(x, 0.5, below=False)
    kept, stop = x.copy(), threading.Event()

    def disturb():
        while not stop.is_set():
            x[1::2] = np.float32(3e38)
            x[::3] = 0.0
            x[:] = kept

    thread = threading.Thread(target=disturb)
    thread.start()
    for _ in range(20):
        contradiction_pairs(x, 0.5, below=False, threads=2)
    stop.set()
    thread.join()
    assert_same(contradiction_pairs(x, 0.5, below=False), reference)


def test_layouts_make_no_difference():
    wide = matrix(90, 64)
    for view in (wide[::2, :33], wide[::-1, 3:40], np.asfortranarray(wide), wide[:, ::2]):
        copy = np.ascontiguousarray(view)
        assert_same(contradiction_pairs(view, -0.1), contradiction_pairs(copy, -0.1))


class OnlyDlpack:
    def __init__(self, x):
        self.x = x

    def __dlpack__(self, **options):
        return self.x.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.x.__dlpack_device__()


def test_buffers_dlpack_float16_and_lists_are_accepted():
    x = matrix(40, 12)
    reference = contradiction_pairs(x, -0.1)
    buffer = memoryview(array.array("f", x.ravel().tolist())).cast("B").cast("f", [40, 12])
    assert_same(contradiction_pairs(buffer, -0.1), reference)
    assert_same(contradiction_pairs(OnlyDlpack(x), -0.1), reference)
    assert_same(contradiction_pairs(x.tolist(), -0.1), reference)
    half = x.astype(np.float16)
    assert_same(contradiction_pairs(half, -0.1), contradiction_pairs(half.astype(np.float32), -0.1))


def test_a_memory_map_is_read_in_place(tmp_path):
    x = matrix(64, 16)
    x.tofile(tmp_path / "rows")
    mapped = np.memmap(tmp_path / "rows", dtype=np.float32, mode="r", shape=(64, 16))
    assert_same(contradiction_pairs(mapped, -0.1), contradiction_pairs(x, -0.1))


def test_the_lock_is_released_while_it_works():
    x = matrix(6000, 256)
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(None)
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    count_pairs(x, 0.5, threads=1)
    done.set()
    thread.join()
    assert len(ticks) > 5


def test_ctrl_c_ends_a_long_call():
    script = (
        "import numpy as np, kimera_leakguard_native as klg\n"
        "x = np.random.default_rng(0).standard_normal((60000, 512)).astype(np.float32)\n"
        "print('ready', flush=True)\n"
        "try:\n"
        "    klg.contradiction_pairs(x, 0.9, below=False, threads=2)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
        "print(klg.contradiction_pairs(x[:2], 1.0).score.size, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout.readline() == "ready\n"
        time.sleep(0.5)
        os.kill(it.pid, signal.SIGINT)
        start = time.monotonic()
        rest = it.stdout.read()
        assert it.wait(30) == 0
    assert rest == "interrupted\n1\n"
    assert time.monotonic() - start < 20
