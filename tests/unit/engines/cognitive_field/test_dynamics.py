"""Fields: the reference figures, a slow oracle for the waves, removal and bounds."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kimera_leakguard_native as klg

CognitiveFieldDynamics = klg.CognitiveFieldDynamics


class SlowFields:
    """The same physics, field by field and wave by wave."""

    def __init__(self) -> None:
        self.time = 0.0
        self.fields: dict[str, dict[str, Any]] = {}
        self.waves: list[dict[str, Any]] = []

    def add(self, name: str, embedding: Any) -> None:
        vector = np.array(embedding, dtype=np.float64)
        vector /= np.linalg.norm(vector)
        frequency = float(np.abs(np.fft.fft(vector)[:10]).sum()) + 1.0
        self.fields[name] = {"vector": vector, "f": frequency, "strength": 1.0}
        self.waves.append(
            {"origin": name, "vector": vector, "radius": 0.0, "amplitude": 1.0,
             "length": 2 * math.pi / frequency, "met": set()}
        )  # fmt: skip

    def remove(self, name: str) -> None:
        del self.fields[name]
        self.waves = [wave for wave in self.waves if wave["origin"] != name]
        for wave in self.waves:
            wave["met"].discard(name)

    def evolve(self, step: float) -> None:
        for wave in self.waves:
            wave["radius"] += step
            wave["amplitude"] *= math.exp(-0.01 * wave["radius"] * step)
        for wave in self.waves:
            for name, field in self.fields.items():
                if name == wave["origin"] or name in wave["met"]:
                    continue
                apart = float(np.linalg.norm(field["vector"] - wave["vector"]))
                felt = wave["amplitude"] * math.exp(-apart / wave["length"])
                if abs(apart - wave["radius"]) <= 0.1 and felt > 0.1:
                    wave["met"].add(name)
                    if abs(wave["length"] - 2 * math.pi / field["f"]) < 0.1:
                        field["strength"] += 0.1 * felt


def test_the_reference_figures() -> None:
    fields = CognitiveFieldDynamics(4)
    field = fields.add_geoid("a", [1, 2, 3, 4])
    assert field.resonance_frequency == pytest.approx(4.2236858)
    assert field.phase == pytest.approx(-2.2942948)
    fields.add_geoid("b", np.array([4, 3, 2, 1], dtype=np.float32))
    ((name, score),) = fields.find_semantic_neighbors("a")
    assert (name, score) == ("b", pytest.approx(0.7666667))
    assert fields.find_influence_field("a") == {"b": pytest.approx(0.5505103)}


def test_a_wave_strengthens_what_it_reaches_once() -> None:
    fields = CognitiveFieldDynamics(4)
    fields.add_geoid("source", [1, 0, 0, 0])
    target = fields.add_geoid("target", [0, 1, 0, 0])

    async def evolve() -> None:
        await fields.evolve_fields(0.5)
        assert target.field_strength == 1.0
        await fields.evolve_fields(1.0)
        assert target.field_strength == pytest.approx(1.0318894)
        await fields.evolve_fields(0.01)

    asyncio.run(evolve())
    assert target.field_strength == pytest.approx(1.0318894)
    assert fields.time == 1.51
    asyncio.run(fields.evolve_fields(1.0))
    assert fields.waves == []  # nothing is further away than 2


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 7)),
        st.tuples(st.just("remove"), st.integers(0, 7)),
        st.tuples(st.just("evolve"), st.sampled_from([0.05, 0.07, 0.3, 0.9])),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(steps=steps)
def test_fields_are_those_of_the_slow_oracle(steps: list[tuple[str, Any]]) -> None:
    vectors = np.random.default_rng(3).normal(size=(8, 3)) + np.array([2.0, 0.0, 0.0])
    ours, slow = CognitiveFieldDynamics(3), SlowFields()
    for step, value in steps:
        name = f"g{value}"
        if step == "evolve":
            asyncio.run(ours.evolve_fields(value))
            slow.evolve(value)
        elif step == "add" and name not in slow.fields:
            ours.add_geoid(name, vectors[value])
            slow.add(name, vectors[value])
        elif step == "remove":
            assert ours.remove_geoid(name) is (name in slow.fields)
            if name in slow.fields:
                slow.remove(name)
    assert list(ours.fields) == list(slow.fields)
    for name, field in slow.fields.items():
        assert ours.fields[name].field_strength == pytest.approx(field["strength"], abs=1e-5)


def test_neighbours_are_sorted_and_above_the_threshold() -> None:
    vectors = np.random.default_rng(0).normal(size=(200, 16))
    fields = CognitiveFieldDynamics(16)
    for number, vector in enumerate(vectors):
        fields.add_geoid(f"g{number}", vector)
    for number in range(0, 200, 3):
        fields.remove_geoid(f"g{number}")
    found = dict(fields.find_semantic_neighbors("g1", 0.2))
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    frequency = np.abs(np.fft.fft(unit)[:, :10]).sum(axis=1) + 1
    score = 0.7 * unit @ unit[1] + 0.3 / (1 + np.abs(frequency - frequency[1]))
    expected = {f"g{k}": score[k] for k in range(200) if k % 3 and k != 1 and score[k] > 0.2}
    assert expected
    assert found == pytest.approx(expected, abs=1e-6)
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_the_bound_holds_and_removal_gives_memory_back() -> None:
    gone: list[str] = []
    fields = CognitiveFieldDynamics(256, max_fields=100, on_evict=gone.append)
    for number in range(1000):
        fields.add_geoid(f"g{number}", np.full(256, number + 1.0))
        assert fields.field_count <= 100
    assert gone == [f"g{number}" for number in range(900)]
    assert len(fields.waves) == 100
    stale = fields.fields["g950"]
    before = fields.get_performance_stats()["committed_bytes"]
    assert fields.clear() == 100
    assert fields.compact() > 0
    assert fields.get_performance_stats()["committed_bytes"] < before
    assert fields.waves == []
    with pytest.raises(ValueError, match="geoid 'g950': no such field"):
        _ = stale.field_strength


def test_clusters_and_anomalies() -> None:
    fields = CognitiveFieldDynamics(64)
    fields.add_geoid("flat", np.ones(64))
    fields.add_geoid("flat too", np.ones(64) * 3)
    spike = np.zeros(64)
    spike[5] = 1.0
    fields.add_geoid("spike", spike)
    assert fields.find_semantic_clusters_by_resonance() == [{"flat", "flat too"}]
    assert fields.detect_semantic_anomalies() == []
    fields.fields["spike"].field_strength = 2.5
    (anomaly,) = fields.detect_semantic_anomalies()
    assert (anomaly["geoid_id"], anomaly["anomaly_type"]) == ("spike", "field_strength")


def test_what_cannot_be_a_field() -> None:
    fields = CognitiveFieldDynamics(4)
    assert fields.add_geoid("empty", []) is None
    assert fields.add_geoid("zero", [0, 0, 0, 0]) is None
    for wrong, message in (([1, 2], "shape"), ([1, 2, 3, float("nan")], "not finite")):
        with pytest.raises(ValueError, match=f"geoid 'wrong': .*{message}"):
            fields.add_geoid("wrong", wrong)
    assert fields.field_count == 0
    for call in (fields.find_semantic_neighbors, fields.find_influence_field):
        with pytest.raises(ValueError, match="geoid 'nobody': no such field"):
            call("nobody")
    with pytest.raises(ValueError, match="time_step"):
        asyncio.run(fields.evolve_fields(0))
    huge = fields.add_geoid("huge", [1e300, 0, 0, 0])
    assert huge.embedding.tolist() == [1, 0, 0, 0]
    assert fields.add_geoid("huge", [9, 9, 9, 9]).embedding.tolist() == [1, 0, 0, 0]
    with pytest.raises(ValueError, match="dimension"):
        CognitiveFieldDynamics(0)
    with pytest.raises(ValueError, match="max_fields"):
        CognitiveFieldDynamics(4, max_fields=0)


def test_threads_may_add_search_and_remove() -> None:
    fields = CognitiveFieldDynamics(8, max_fields=50)
    failed: list[BaseException] = []

    def work(seed: int) -> None:
        chance = np.random.default_rng(seed)
        try:
            for _ in range(150):
                name = f"g{chance.integers(80)}"
                fields.add_geoid(name, chance.normal(size=8))
                for call in (fields.find_semantic_neighbors, fields.find_influence_field):
                    with contextlib.suppress(ValueError):  # another thread may have removed it
                        call(name)
                fields.remove_geoid(f"g{chance.integers(80)}")
                asyncio.run(fields.evolve_fields(0.1))
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            failed.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failed == []
    assert fields.field_count == len(fields.fields) <= 50
