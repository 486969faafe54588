"""The oracle of the pair search is the canonical definition itself."""

import math

import numpy as np
import pytest

from kimera_leakguard_native import _core
from kimera_leakguard_native.bench.oracles.similarity import (
    best_partners,
    canonical_scores,
    pair_scores,
)


@pytest.mark.parametrize("d", [1, 31, 32, 100])
def test_scores_are_made_of_canonical_dots(d):
    x = np.random.default_rng(d).standard_normal((9, d)).astype(np.float32)
    dot = _core.similarity.canonical_dot
    scores = canonical_scores(x)
    for i in range(9):
        for j in range(9):
            root = math.sqrt(dot(x[i], x[i]) * dot(x[j], x[j]))
            assert scores[i, j] == max(-1.0, min(1.0, dot(x[i], x[j]) / root))
    i, j = np.triu_indices(9, 1)
    np.testing.assert_array_equal(pair_scores(x, i, j), scores[i, j])


def test_best_partners_break_ties_by_index_and_pass_over_nothing():
    scores = np.array([[np.nan, 0.5, 0.9, 0.5], [np.nan, np.nan, np.nan, 0.1]])
    indices, values = best_partners(scores, 3, True)
    assert indices.tolist() == [[2, 1, 3], [3, -1, -1]]
    assert np.isnan(values[1, 1:]).all()
