"""A packed index gives what the functions give for the rows that it holds."""

import threading

import numpy as np
import pytest

import kimera_leakguard_native as klg
from kimera_leakguard_native.engines.contradiction.index import SimilarityIndex
from kimera_leakguard_native.engines.contradiction.neighbours import top_k
from kimera_leakguard_native.engines.contradiction.pairs import contradiction_pairs, cross_pairs


def matrix(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def assert_same(got, wanted):
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def churned(filter_name="auto"):
    """Give an index after many changes, its ids, and its rows in their order."""
    rows = matrix(400, 48)
    rows[5] = rows[390] = 0.0
    index = SimilarityIndex(48, rows[:300], filter=filter_name)
    index.remove(np.arange(0, 300, 3))
    assert index.add(rows[300:]).tolist() == list(range(300, 400))
    index.remove(399)
    ids = np.array([k for k in range(399) if k >= 300 or k % 3], dtype=np.int64)
    return index, ids, rows[ids]


@pytest.mark.parametrize("filter_name", ["auto", "floats", "halves", "codes"])
@pytest.mark.parametrize("below", [True, False])
def test_searches_are_those_of_the_rows_held(filter_name, below):
    try:
        index, ids, rows = churned(filter_name)
    except klg.LeakGuardError as reason:
        pytest.skip(str(reason))
    assert len(index) == len(ids)
    np.testing.assert_array_equal(index.ids, ids)
    threshold = -0.25 if below else 0.25
    wanted = contradiction_pairs(rows, threshold, below=below)
    assert len(wanted.i) > 100
    found = index.pairs(threshold, below=below)
    assert_same(found, (ids[wanted.i], ids[wanted.j], wanted.score))
    assert index.count(threshold, below=below) == len(found.i)
    queries = matrix(30, 48, 1)
    crossed = cross_pairs(queries, rows, threshold, below=below)
    assert_same(
        index.matches(queries, threshold, below=below), (crossed.i, ids[crossed.j], crossed.score)
    )
    best, scores = top_k(rows, 6, largest=not below)
    assert_same(index.top_k(6, largest=not below), (np.where(best < 0, -1, ids[best]), scores))
    best, scores = top_k(rows, 3, queries=queries)
    assert_same(index.top_k(3, queries=queries), (ids[best], scores))


def test_ties_go_to_the_lower_id_wherever_the_row_lies():
    rows = np.repeat(matrix(1, 40), 60, axis=0)
    index = SimilarityIndex(40, rows)
    index.remove(list(range(20)))
    found, scores = index.top_k(3)
    assert (scores == 1.0).all()
    assert found[0].tolist() == [21, 22, 23]
    assert found[-1].tolist() == [20, 21, 22]


def test_a_failed_call_changes_nothing():
    index = SimilarityIndex(8, matrix(10, 8))
    before = index.pairs(0.5)
    bad = matrix(5, 8)
    bad[3, 3] = np.nan
    with pytest.raises(ValueError, match="x: row 3 holds NaN or infinity"):
        index.add(bad)
    with pytest.raises(KeyError, match="id 99 is not held"):
        index.remove([1, 99])
    with pytest.raises(KeyError, match="id 1 is not held, or named twice"):
        index.remove([1, 1])
    with pytest.raises(ValueError, match="x: rows of 7 entries cannot be compared"):
        index.add(matrix(2, 7))
    with pytest.raises(ValueError, match="queries: rows of 9 entries cannot be compared"):
        index.matches(matrix(2, 9), 0.0)
    with pytest.raises(klg.LeakGuardError, match="more than max_pairs=1 "):
        index.pairs(1.0, max_pairs=1)
    assert_same(index.pairs(0.5), before)
    assert index.add(matrix(1, 8)[0]).tolist() == [10]


def test_bad_constructor_arguments_are_named():
    with pytest.raises(ValueError, match="columns: expected at least 1"):
        SimilarityIndex(0)
    with pytest.raises(ValueError, match="filter: expected 'auto'"):
        SimilarityIndex(4, filter="fast")
    with pytest.raises(ValueError, match="threads: expected at least 1"):
        SimilarityIndex(4, threads=0)


def test_an_empty_index_has_no_pairs():
    index = SimilarityIndex(4)
    assert len(index) == 0
    assert 0 not in index
    assert [len(part) for part in index.pairs(0.5)] == [0, 0, 0]
    assert index.top_k(2)[0].shape == (0, 2)
    index.add(np.zeros((2, 4), dtype=np.float32))
    assert index.top_k(2)[0].tolist() == [[-1, -1], [-1, -1]]


def test_threads_may_share_an_index():
    index = SimilarityIndex(16)
    rows = matrix(50, 16)
    errors = []

    def work():
        try:
            for _ in range(20):
                ids = index.add(rows)
                index.pairs(0.5, below=False)
                index.remove(ids)
        except Exception as error:  # noqa: BLE001 - whatever it is fails the test
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(index) == 0
