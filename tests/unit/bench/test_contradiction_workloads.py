"""Workloads have the pairs that were planted, and the checks notice what is wrong."""

import numpy as np
import pytest

from kimera_leakguard_native import _core
from kimera_leakguard_native.bench import contradiction_workloads as workloads
from kimera_leakguard_native.engines.contradiction.neighbours import top_k
from kimera_leakguard_native.engines.contradiction.pairs import Pairs, contradiction_pairs


@pytest.mark.parametrize("kind", ["random", "clustered"])
def test_a_missing_pair_fails_the_check(kind):
    x = workloads.unit_rows(300, 32, kind, 0)
    pairs = contradiction_pairs(x, 0.8, below=False)
    assert workloads.check_range(x, 0.8, pairs) == len(pairs.i) >= workloads.PLANTED
    for wrong in (Pairs(*(part[1:] for part in pairs)), pairs._replace(score=pairs.score + 1e-15)):
        with pytest.raises(AssertionError, match="pairs differ"):
            workloads.check_range(x, 0.8, wrong)


def test_a_wrong_partner_fails_the_check():
    x = workloads.unit_rows(300, 32, "random", 0)
    indices, scores = top_k(x, 5)
    workloads.check_top_k(x, indices, scores)
    with pytest.raises(AssertionError, match="partners differ"):
        workloads.check_top_k(x, indices[:, ::-1], scores)


def test_stored_rows_are_shuffled_and_planted(tmp_path):
    rows = np.random.default_rng(1).standard_normal((60, 8)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    x = workloads.stored_rows(tmp_path / "rows.npy", 0)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1.0, rtol=1e-6)
    found = contradiction_pairs(x, 0.95, below=False)
    pairs = set(zip(found.i.tolist(), found.j.tolist(), strict=True))
    assert {(k, 40 + k) for k in range(20)} <= pairs
    np.save(tmp_path / "rows.npy", rows.astype(np.float64))
    with pytest.raises(ValueError, match="expected float32 rows"):
        workloads.stored_rows(tmp_path / "rows.npy", 0)


def test_narrower_arithmetic_has_a_higher_peak():
    floats = halves = codes = 0.0
    try:
        floats = _core.similarity.measure_peak("floats")
        halves = _core.similarity.measure_peak("halves")
        codes = _core.similarity.measure_peak("codes")
    except RuntimeError as reason:
        pytest.skip(str(reason))
    assert floats < halves < codes
