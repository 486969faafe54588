"""Pair search against the plain definition, over every kind of row that could confuse a filter."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kimera_leakguard_native import _core
from kimera_leakguard_native.bench.oracles.similarity import best_partners, canonical_scores
from kimera_leakguard_native.engines.contradiction.neighbours import top_k

FILTERS = ["floats"] if _core.similarity.instruction_set() == "baseline" else ["floats", "codes"]
KINDS = ["random", "clustered", "duplicate", "zero", "huge", "tiny", "sparse", "constant"]


@st.composite
def matrices(draw):
    d = draw(st.sampled_from([1, 2, 7, 8, 31, 33, 64, 100]))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=0, max_size=60))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    centres = random.standard_normal((3, d))
    rows = []
    for kind in kinds:
        row = random.standard_normal(d)
        if kind == "clustered":
            row = centres[random.integers(3)] + 0.01 * row
        elif kind == "duplicate" and rows:
            row = rows[random.integers(len(rows))] * random.choice([1.0, -1.0, 2.0])
        elif kind == "zero":
            row = np.zeros(d)
        elif kind == "huge":
            row *= 1e37
        elif kind == "tiny":
            row *= 1e-40
        elif kind == "sparse":
            row *= random.random(d) < 0.1
        elif kind == "constant":
            row = np.full(d, random.choice([1.0, -1.0, 0.1]))
        rows.append(np.clip(row, -3e38, 3e38))
    return np.array(rows, dtype=np.float32).reshape(len(kinds), d)


@settings(max_examples=150, deadline=None)
@given(matrices(), st.booleans(), st.data())
def test_pairs_are_the_oracles_bit_for_bit_even_at_the_threshold(x, below, data):
    scores = canonical_scores(x)
    upper = np.triu_indices(len(x), 1)
    present = scores[upper][~np.isnan(scores[upper])]
    # A threshold that is a score, or the next number beside it, grazes as closely as one can.
    grazing = [float(v) for v in present]
    exact = data.draw(st.sampled_from(grazing) if grazing else st.floats(-1, 1))
    threshold = np.nextafter(exact, data.draw(st.sampled_from([-2.0, exact, 2.0])))
    with np.errstate(invalid="ignore"):
        kept = scores < threshold if below else scores > threshold
    i, j = np.nonzero(np.triu(kept, 1))
    for name in FILTERS:
        scan = _core.similarity.PairScan(x, threshold, below, 1, filter=name)
        (got_i, got_j, got_scores), _ = scan.collect()
        np.testing.assert_array_equal(got_i, i)
        np.testing.assert_array_equal(got_j, j)
        np.testing.assert_array_equal(got_scores, scores[i, j])
        assert _core.similarity.PairScan(x, threshold, below, 1, filter=name).count() == len(i)


@settings(max_examples=100, deadline=None)
@given(matrices(), st.integers(1, 9), st.booleans())
def test_best_partners_are_the_oracles_bit_for_bit(x, k, largest):
    scores = canonical_scores(x)
    np.fill_diagonal(scores, np.nan)
    indices, values = best_partners(scores, k, largest)
    got = top_k(x, k, largest=largest)
    np.testing.assert_array_equal(got[0], indices)
    np.testing.assert_array_equal(got[1], values)
