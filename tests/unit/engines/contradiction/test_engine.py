"""The contract of the contradiction engine, with the reference scores of the original."""

import array
import gc
import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from kimera_leakguard_native import _core
from kimera_leakguard_native.bench.oracles.similarity import canonical_scores
from kimera_leakguard_native.engines.contradiction.engine import OptimizedContradictionEngine
from kimera_leakguard_native.engines.contradiction.geoid import GeoidState, TensionGradient


def geoid(name, features, assertions, embedding=()):
    return GeoidState(name, dict.fromkeys(features, 0.5), assertions, list(embedding))


STRONG = [
    geoid(
        "A",
        ["growth", "stability", "employment", "risk"],
        {"trend": "positive", "outlook": "stable", "sector": "finance"},
        [0.9, 0.8, 0.1],
    ),
    geoid(
        "B",
        ["recession", "volatility", "unemployment", "risk"],
        {"trend": "negative", "outlook": "volatile", "sector": "finance"},
        [-0.9, -0.8, 0.9],
    ),
]
WEAK = [
    geoid(
        "C",
        ["innovation", "software", "revenue"],
        {"market": "enterprise", "delivery": "cloud"},
        [0.9, 0.8, 0.7],
    ),
    geoid(
        "D",
        ["innovation", "software", "profit"],
        {"market": "consumer", "delivery": "cloud"},
        [0.8, 0.9, 0.6],
    ),
]


def random_geoids(n, d=24, seed=0, plain=False):
    random = np.random.default_rng(seed)
    features = ["a", "b", "c", "d", "e"]
    result = []
    for k in range(n):
        chosen = [] if plain else random.choice(features, random.integers(0, 5), replace=False)
        assertions = {}
        for key in () if plain else random.choice(features, random.integers(0, 4), replace=False):
            assertions[str(key)] = [True, False, 1, -2.5, "on", "ON", "off", [1], None][
                random.integers(0, 9)
            ]
        vector = random.standard_normal(d).astype(np.float32)
        state = {str(f): float(random.standard_normal()) for f in chosen}
        result.append(GeoidState(f"g{k}", state, assertions, vector))
    return result


@pytest.mark.parametrize(
    ("scoring", "pair", "score"),
    [
        ("mean", STRONG, 0.9479796),
        ("mean", WEAK, 0.2524678),
        ("weighted", STRONG, 0.7571429),
        ("weighted", WEAK, 0.2279614),
    ],
)
def test_reference_scores(scoring, pair, score):
    engine = OptimizedContradictionEngine(pair, scoring=scoring, tension_threshold=0.0)
    (found,) = engine.detect_tension_gradients()
    assert found.tension_score == pytest.approx(score, abs=5e-8)
    kind = {"mean": "composite", "weighted": "pairwise_composite"}[scoring]
    assert found == TensionGradient(pair[0].geoid_id, pair[1].geoid_id, found.tension_score, kind)


def test_without_embeddings_the_semantic_values_stand_in():
    pair = [geoid("P", ["a"], {"status": "on"}), geoid("Q", ["b"], {"status": "off"})]
    (found,) = OptimizedContradictionEngine(pair).detect_tension_gradients()
    assert found.tension_score == 5 / 6


def test_weighted_scales_the_weights_of_the_terms_that_exist():
    pair = [GeoidState("P", embedding_vector=[1, 0]), GeoidState("Q", embedding_vector=[0.8, 0.6])]
    engine = OptimizedContradictionEngine(pair, scoring="weighted", tension_threshold=0.1)
    assert engine.detect_tension_gradients()[0].tension_score == pytest.approx(0.2)


def test_weighted_cuts_to_the_shorter_embedding_and_mean_refuses():
    pair = [GeoidState("P", embedding_vector=[0, 1, 9]), GeoidState("Q", embedding_vector=[1, 0])]
    (found,) = OptimizedContradictionEngine(pair, scoring="weighted").detect_tension_gradients()
    assert found.tension_score == 1.0
    with pytest.raises(ValueError, match="'Q' has an embedding of 2 entries, geoid 'P' one of 3"):
        OptimizedContradictionEngine(pair).detect_tension_gradients()


def test_mean_is_strict_and_weighted_is_not():
    # cosine 0, no common key: mean (1 + 1/2 + 0) / 3; weighted 0.4 + 0.3 with equal weights left.
    pair = [
        GeoidState("P", {"a": 1.0}, {}, [1.0, 0.0]),
        GeoidState("Q", {"b": 1.0}, {}, [0.0, 1.0]),
    ]
    for scoring, threshold, count in [("mean", 0.5, 0), ("weighted", 1.0, 1)]:
        engine = OptimizedContradictionEngine(pair, scoring=scoring, tension_threshold=threshold)
        assert len(engine.detect_tension_gradients()) == count


def slow_tension(a, b, scoring):
    score = canonical_scores(np.array([a.embedding_vector, b.embedding_vector], dtype=np.float32))[
        0, 1
    ]

    def jaccard(x, y):
        return 1 - len(set(x) & set(y)) / len(set(x) | set(y)) if x or y else 0.0

    common = set(a.symbolic_state) & set(b.symbolic_state)
    values = [(a.symbolic_state[key], b.symbolic_state[key]) for key in common]
    if scoring == "mean":
        layer = (
            jaccard(a.semantic_state, b.semantic_state)
            + jaccard(a.symbolic_state, b.symbolic_state)
        ) / 2
        symbolic = sum(x != y for x, y in values) / len(values) if values else 0.0
        return ((1 - score) + layer + symbolic) / 3
    opposed = 0.0
    for x, y in values:
        if isinstance(x, bool) and isinstance(y, bool):
            opposed += x != y
        elif type(x) in (int, float) and type(y) in (int, float):
            opposed += x * y < 0
        elif isinstance(x, str) and isinstance(y, str):
            opposed += 0.5 * (x.casefold() != y.casefold())
    terms = [(0.4, min(1.0, max(0.0, 1 - score)))]
    if a.semantic_state or b.semantic_state:
        terms.append((0.3, jaccard(a.semantic_state, b.semantic_state)))
    if a.symbolic_state or b.symbolic_state:
        terms.append((0.3, opposed / len(values) if values else 0.0))
    return sum(w * t for w, t in terms) / sum(w for w, _ in terms)


@pytest.mark.parametrize("scoring", ["mean", "weighted"])
@pytest.mark.parametrize("n", [30, 130])
def test_tensions_are_those_of_the_plain_definition(scoring, n):
    geoids = random_geoids(n)
    engine = OptimizedContradictionEngine(geoids, scoring=scoring, tension_threshold=0.55)
    found = {(t.geoid_a, t.geoid_b): t.tension_score for t in engine.detect_tension_gradients()}
    checked = 0
    for a, b in itertools.combinations(geoids, 2):
        score = slow_tension(a, b, scoring)
        if abs(score - 0.55) > 1e-9:
            assert ((a.geoid_id, b.geoid_id) in found) == (score > 0.55), score
        if (a.geoid_id, b.geoid_id) in found:
            assert found[a.geoid_id, b.geoid_id] == pytest.approx(score, abs=1e-12)
            checked += 1
    assert checked > n


def test_scores_do_not_depend_on_the_company():
    geoids = random_geoids(200)
    for scoring in ("mean", "weighted"):
        engine = OptimizedContradictionEngine(geoids, scoring=scoring)
        every = {(t.geoid_a, t.geoid_b): t for t in engine.detect_tension_gradients()}
        few = engine.detect_tension_gradients(["g3", "g150", "g9"])
        assert few
        assert all(every.get((t.geoid_a, t.geoid_b), t) == t for t in few)


def test_equal_kinds_of_geoids_are_found_by_the_cosine_alone():
    geoids = random_geoids(80, plain=True)
    geoids.append(GeoidState("opposite", {}, {}, [-float(v) for v in geoids[0].embedding_vector]))
    found = OptimizedContradictionEngine(geoids).detect_tension_gradients()
    assert ("g0", "opposite") in {(t.geoid_a, t.geoid_b) for t in found}
    for tension in found:
        assert tension.tension_score > 0.4


def test_contradictions_list_later_ids_in_query_order():
    vectors = {"a": [1, 0], "b": [-1, 0.1], "c": [0, 1], "d": [-1, -0.1]}
    engine = OptimizedContradictionEngine(
        [GeoidState(name, embedding_vector=vector) for name, vector in vectors.items()]
    )
    assert engine.detect_contradictions() == {"a": ["b", "d"], "b": [], "c": [], "d": []}
    query = ["d", "a", "b", "a"]
    assert engine.detect_contradictions_faiss(query) == {"d": ["a"], "a": ["b"], "b": []}
    assert engine.geoids == ["a", "b", "c", "d"]
    assert engine.embeddings["c"] == [0, 1]


def test_embeddings_may_be_any_vectors():
    vectors = np.random.default_rng(3).standard_normal((40, 16)).astype(np.float32)
    vectors[30:] = -vectors[:10]
    unaligned = np.frombuffer(bytearray(16 * 4 + 1), np.float32, offset=1, count=16)
    unaligned[:] = vectors[0]
    shapes = {
        "in place": list(vectors),
        "a buffer among arrays": [array.array("f", vectors[0].tolist()), *vectors[1:]],
        "every other entry": [np.repeat(v, 2)[::2] for v in vectors],
        "unaligned": [unaligned, *vectors[1:]],
        "other byte order": [v.astype(">f4") for v in vectors],
        "float64": [v.astype(np.float64) for v in vectors],
        "lists": [v.tolist() for v in vectors],
    }
    results = []
    for embeddings in shapes.values():
        engine = OptimizedContradictionEngine(
            [GeoidState(f"g{k}", {f"f{k % 3}": 1.0}, {}, v) for k, v in enumerate(embeddings)]
        )
        results.append((engine.detect_contradictions(), engine.detect_tension_gradients()))
    assert "g33" in results[0][0]["g3"]
    assert all(result == results[0] for result in results)


def test_an_array_that_is_searched_stays():
    geoids = random_geoids(30)
    scan = _core.similarity.PairScan(
        _core.similarity.VectorRows.gather([g.embedding_vector for g in geoids]), 0.2
    )
    vector = geoids[0].embedding_vector
    with pytest.raises(ValueError, match="references or is referenced"):
        vector.resize(9)
    del geoids, vector
    gc.collect()
    found = scan.collect()[0]
    assert len(found[0]) > 100


def test_a_rule_fits_its_rows():
    sets = _core.similarity.ItemSets([["a"], ["b"]])
    rule = _core.similarity.MeanTension(sets, sets, sets, 0.4)
    with pytest.raises(ValueError, match="rule: decides about the rows of x"):
        _core.similarity.PairScan(np.ones((3, 4), np.float32), 1.0, rule=rule)
    with pytest.raises(ValueError, match=r"values: expected 2 owners, got 0"):
        _core.similarity.MeanTension(sets, sets, _core.similarity.ItemSets([]), 0.4)
    with pytest.raises(IndexError, match=r"pair 0 names a geoid outside 0\.\.1"):
        rule.pairs_above(np.array([0]), np.array([2]), np.zeros(1), np.ones(1, bool))
    with pytest.raises(TypeError, match="unhashable"):
        _core.similarity.ItemSets([[[]]])


def test_any_object_with_the_four_attributes_is_a_geoid():
    ducks = [
        SimpleNamespace(
            geoid_id=name, semantic_state={}, symbolic_state={}, embedding_vector=np.float32(vector)
        )
        for name, vector in {"a": [1, 0], "b": [-1, 0]}.items()
    ]
    assert OptimizedContradictionEngine().detect_contradictions(ducks) == {"a": ["b"], "b": []}


def test_contradictions_without_embeddings_use_semantic_values():
    engine = OptimizedContradictionEngine(
        [
            GeoidState("p", {"x": 1.0}, {}, [1.0, 0.0]),
            GeoidState("q", {"x": -2.0}),
            GeoidState("r", {"y": 1.0}),
            GeoidState("s"),
        ]
    )
    assert engine.detect_contradictions() == {"p": ["q"], "q": [], "r": [], "s": []}


def test_bad_input_is_named():
    engine = OptimizedContradictionEngine(STRONG)
    with pytest.raises(KeyError, match="'Z' is not held"):
        engine.detect_contradictions(["Z"])
    with pytest.raises(ValueError, match="'X': its embedding holds NaN"):
        engine.detect_contradictions([GeoidState("X", embedding_vector=[float("nan")])])
    with pytest.raises(ValueError, match="scoring: expected"):
        OptimizedContradictionEngine(scoring="median")
    with pytest.raises(ValueError, match="threshold: a cosine"):
        OptimizedContradictionEngine(threshold=-2)
    with pytest.raises(ValueError, match="backend: expected"):
        OptimizedContradictionEngine(backend="tpu")


def test_statistics_count_what_was_done():
    engine = OptimizedContradictionEngine(STRONG)
    engine.detect_contradictions()
    engine.detect_tension_gradients(["A"])
    stats = engine.get_performance_stats()
    assert stats["total_detections"] == 2
    assert stats["geoids_processed"] == 3
    assert stats["tensions_found"] == 1
    assert stats["avg_geoids_per_detection"] == 1.5
    assert stats["avg_detection_time_ms"] > 0.0


def test_optimising_keeps_the_result():
    geoids = random_geoids(100)
    engine = OptimizedContradictionEngine(geoids, threshold=-0.2)
    before = engine.detect_contradictions()
    assert engine.optimize_performance()["threads"] >= 1
    assert engine.detect_contradictions() == before


def test_the_built_in_benchmark_finds_what_it_plants():
    results = OptimizedContradictionEngine().benchmark_performance([20, 60], dimension=256)
    assert [(r["planted"], r["found"]) for r in results.values()] == [(2, 2), (6, 6)]
