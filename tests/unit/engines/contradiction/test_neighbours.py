"""The k best partners: exact, ties by index, padded where there are too few."""

import numpy as np
import pytest

from kimera_leakguard_native import _core, errors
from kimera_leakguard_native.bench.oracles.similarity import best_partners, canonical_scores
from kimera_leakguard_native.engines.contradiction.neighbours import top_k


def matrix(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def assert_same(got, wanted):
    np.testing.assert_array_equal(got[0], wanted[0])
    np.testing.assert_array_equal(got[1], wanted[1])


@pytest.mark.parametrize("isa", _core.similarity.instruction_sets())
@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("n", [2, 40, 700, 1300])
def test_bit_equal_to_the_oracle(monkeypatch, isa, largest, n):
    monkeypatch.setenv("KLG_ISA", isa)
    try:
        _core.similarity.instruction_set()
    except errors.LeakGuardError as reason:
        pytest.skip(str(reason))
    x = matrix(n, 60)
    scores = canonical_scores(x)
    np.fill_diagonal(scores, np.nan)
    assert_same(top_k(x, 7, largest=largest, threads=2), best_partners(scores, 7, largest))


@pytest.mark.parametrize("filter_name", ["halves", "codes"])
def test_no_filter_changes_the_result(filter_name):
    x = matrix(900, 64)
    floats = _core.similarity.top_k(x, 5, filter="floats")
    try:
        assert_same(_core.similarity.top_k(x, 5, filter=filter_name), floats)
    except errors.LeakGuardError as reason:
        pytest.skip(str(reason))


def test_ties_go_to_the_lower_index():
    x = np.repeat(matrix(3, 33), 200, axis=0)
    indices, scores = top_k(x, 4)
    assert (scores == 1.0).all()
    assert indices[0].tolist() == [1, 2, 3, 4]
    assert indices[2].tolist() == [0, 1, 3, 4]
    assert indices[599].tolist() == [400, 401, 402, 403]


def test_queries_may_find_their_equals():
    x, queries = matrix(300, 24), matrix(17, 24, 1)
    queries[5] = x[123]
    got = top_k(x, 3, queries=queries)
    assert_same(got, best_partners(canonical_scores(queries, x), 3, True))
    assert got[0][5, 0] == 123
    assert_same(top_k(x, 3, queries=queries[5]), (got[0][5:6], got[1][5:6]))


def test_places_that_nobody_fills_say_so():
    x = matrix(5, 6)
    x[3] = 0.0
    mask = np.array([True, True, True, True, False])
    indices, scores = top_k(x, 4, mask=mask)
    assert indices[:, 2:].max() == -1
    assert indices[3].tolist() == indices[4].tolist() == [-1] * 4
    assert set(indices[0, :2]) == {1, 2}
    np.testing.assert_array_equal(np.isnan(scores), indices == -1)


@pytest.mark.parametrize("shape", [(0, 4), (1, 4), (4, 0)])
def test_nothing_to_compare(shape):
    indices, scores = top_k(np.ones(shape, dtype=np.float32), 2)
    assert indices.shape == scores.shape == (shape[0], 2)
    assert (indices == -1).all()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="k: expected at least 1"):
        top_k(matrix(3, 3), 0)
    x = matrix(3, 3)
    x[1, 1] = np.inf
    with pytest.raises(ValueError, match="x: row 1 holds"):
        top_k(x, 1)
