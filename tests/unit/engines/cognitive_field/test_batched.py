"""Batches: a field is there when its batch is full, and many searches are each their own."""

from __future__ import annotations

import numpy as np
import pytest

import kimera_leakguard_native as klg


def filled(count: int, dimension: int = 16) -> tuple[klg.CognitiveFieldDynamicsGPU, np.ndarray]:
    vectors = np.random.default_rng(0).normal(size=(count, dimension))
    fields = klg.CognitiveFieldDynamicsGPU(dimension)
    for number, vector in enumerate(vectors):
        fields.add_geoid(f"g{number}", vector)
    fields._flush_pending_fields()
    return fields, vectors / np.linalg.norm(vectors, axis=1)[:, None]


def test_fields_come_in_batches_of_ten() -> None:
    fields = klg.CognitiveFieldDynamicsGPU(4)
    given = [fields.add_geoid(f"g{k}", [1.0, k, 0, 0]) for k in range(25)]
    assert [k for k, field in enumerate(given) if field is not None] == [9, 19]
    assert given[19].geoid_id == "g19"
    assert (len(fields.fields), fields.field_count) == (20, 25)
    assert fields.find_semantic_neighbors("g24") == []
    assert fields.remove_geoid("g24")
    assert fields._flush_pending_fields().geoid_id == "g23"
    assert fields._flush_pending_fields() is None
    assert fields.find_semantic_neighbors("g23", 0.0)
    stats = fields.get_performance_stats()
    assert (stats["total_fields"], stats["batch_operations"]) == (24, 3)
    assert stats["device"] == "cpu"
    assert stats["gpu_memory"]["allocated_mb"] == 24 * 8 / 2**20


def test_neighbours_and_influence_are_those_of_the_formulas() -> None:
    fields, unit = filled(150)
    fields.remove_geoid("g3")
    cosine = unit @ unit.T
    both = fields.find_neighbors_gpu_batch([1, 7], 0.35, top_k=12)
    for row, found in zip((1, 7), both, strict=True):
        score = {f"g{k}": 0.7 * cosine[row, k] + 0.3 for k in range(150) if k not in (row, 3)}
        best = sorted((v for v in score.values() if v > 0.35), reverse=True)[:12]
        assert [value for _, value in found] == pytest.approx(best, abs=2e-3)
        for name, value in found:
            assert value == pytest.approx(score[name], abs=2e-3)
    influence = fields.find_influence_field("g1")
    expected = {
        f"g{k}": np.exp(-0.5 * np.sqrt(2 - 2 * cosine[1, k])) for k in range(150) if k not in (1, 3)
    }
    assert influence == pytest.approx(expected, abs=2e-3)
    assert fields.find_influence_field("nobody") == {}


def test_a_query_without_a_field_is_an_error() -> None:
    fields, _ = filled(10)
    fields.remove_geoid("g4")
    for wrong in (4, 10, -1):
        with pytest.raises(ValueError, match=f"query index {wrong}: holds no field"):
            fields.find_neighbors_gpu_batch([0, wrong])
    with pytest.raises(ValueError, match="batch_size"):
        klg.CognitiveFieldDynamicsGPU(4, batch_size=0)


def test_shutdown_gives_the_memory_back() -> None:
    fields, _ = filled(500, 1024)
    before = fields.get_performance_stats()["gpu_memory"]["reserved_mb"]
    fields.shutdown()
    assert fields.field_count == 0
    assert fields.get_performance_stats()["gpu_memory"]["reserved_mb"] < before
    fields.add_geoid("again", np.ones(1024))
    assert fields.optimize_for_inference() >= 0
    assert list(fields.fields) == ["again"]


def test_the_bound_holds() -> None:
    gone: list[str] = []
    fields = klg.CognitiveFieldDynamicsGPU(4, max_fields=15, on_evict=gone.append)
    for number in range(60):
        fields.add_geoid(f"g{number}", [1, number, 2, 3])
    assert len(fields.fields) == 15
    assert gone == [f"g{number}" for number in range(45)]
