"""Exact pair search beside numpy, FAISS and the original's loops, with planted pairs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from kimera_leakguard_native.bench.harness import Options, Result, compare
from kimera_leakguard_native.bench.oracles.similarity import pair_scores
from kimera_leakguard_native.bench.peers import similarity as peers
from kimera_leakguard_native.engines.contradiction.engine import OptimizedContradictionEngine
from kimera_leakguard_native.engines.contradiction.geoid import GeoidState
from kimera_leakguard_native.engines.contradiction.neighbours import top_k
from kimera_leakguard_native.engines.contradiction.pairs import Pairs, contradiction_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Rows = npt.NDArray[np.float32]

_PLANTED = 20
_SAMPLE = 100
_ORACLE_MARGIN = 1e-3
"""Far more than float32 matrix products err for unit rows of a thousand entries."""


def run(options: Options) -> Iterator[Result]:
    """Time one thread of each; throughput counts 2·n²·d operations whatever was really computed.

    Times are CPU time of the whole process; with OPENBLAS_NUM_THREADS=1 numpy's other threads
    spend none of it waiting.
    """
    yield _geoids(options)
    yield _small_range(options)
    n = 4000 if options.quick else 20000
    shapes = [(n, 768, "random")]
    if not options.quick:
        shapes = [(n, d, kind) for d in (384, 768, 1024) for kind in ("random", "clustered")]
    if options.large:
        shapes.append((100_000, 768, "random"))
    for rows, d, kind in shapes:
        yield from _searches(options, rows, d, kind)


def _geoids(options: Options) -> Result:
    """Time the original's benchmark, from geoid objects to tension objects."""
    x = _rows(200, 1024, "random", options.seed)
    x[-_PLANTED:] *= -1.0  # near copies become contradictions
    semantic = {f"feature_{k}": 0.5 for k in range(5)}
    geoids = [GeoidState(f"g{k}", dict(semantic), {}, row) for k, row in enumerate(x)]
    engine = OptimizedContradictionEngine(geoids)
    tensions = {(t.geoid_a, t.geoid_b): t.tension_score for t in engine.detect_tension_gradients()}
    i, j = np.triu_indices(200, 1)
    scores = (1.0 - pair_scores(x, i, j)) / 3.0
    expected = {
        (f"g{a}", f"g{b}"): score
        for a, b, score in zip(i.tolist(), j.tolist(), scores.tolist(), strict=True)
        if score > engine.tension_threshold
    }
    _require(tensions == expected, "tensions differ from the definition")
    _require(len(expected) >= _PLANTED, "a planted contradiction is missing")
    features = (set(semantic), set(semantic))
    sample = [(int(a), int(b)) for a, b in zip(i[::_SAMPLE], j[::_SAMPLE], strict=True)]

    def replica() -> float:
        start = time.thread_time()
        replicated = [peers.replica_tension(x[a], x[b], features) for a, b in sample]
        elapsed = time.thread_time() - start
        _require(np.allclose(replicated, scores[::_SAMPLE], atol=1e-4), "the replica is wrong")
        return elapsed * 1e3 * len(i) / len(sample)

    return compare(
        "contradiction",
        "geoids/n=200/d=1024/threads=1",
        "ms",
        _timer(engine.detect_tension_gradients, lambda found: len(found) == len(expected)),
        {f"original's loops (1 pair in {_SAMPLE}, scaled)": ("replica", replica)},
        rounds=options.rounds(15),
        seed=options.seed,
        checked=True,
        hits=len(expected),
    )


def _small_range(options: Options) -> Result:
    x = _rows(200, 1024, "random", options.seed)
    hits = _check_range(x, 0.5, contradiction_pairs(x, 0.5, below=False, threads=1))
    others = _range_others(options, x, 0.5)
    return compare(
        "contradiction",
        "range/n=200/d=1024/random/threads=1",
        "ms",
        _timer(
            lambda: contradiction_pairs(x, 0.5, below=False, threads=1),
            lambda pairs: len(pairs.i) == hits,
        ),
        {name: ("peer", _timer(call, bool)) for name, call in others.items()},
        rounds=options.rounds(60),
        seed=options.seed,
        checked=True,
        hits=hits,
    )


def _searches(options: Options, n: int, d: int, kind: str) -> Iterator[Result]:
    x = _rows(n, d, kind, options.seed)
    work = 2.0 * n * n * d / 1e9
    threshold = _threshold(x, kind)
    hits = _check_range(x, threshold, contradiction_pairs(x, threshold, below=False, threads=1))
    case = f"n={n}/d={d}/{kind}/threads=1"

    def ours_range() -> Any:
        return contradiction_pairs(x, threshold, below=False, threads=1)

    yield compare(
        "contradiction",
        f"range/{case}",
        "GFLOP per CPU-second",
        _rate(work, ours_range, lambda pairs: len(pairs.i) == hits),
        {
            name: ("peer", _rate(work, call, bool))
            for name, call in _range_others(options, x, threshold).items()
        },
        rounds=3,
        better="higher",
        seed=options.seed,
        checked=True,
        hits=hits,
    )
    reference = top_k(x, 10, threads=1)
    _check_top_k(x, *reference)
    others: dict[str, Callable[[], Any]] = {"numpy": lambda: peers.numpy_top_k(x, 11)}
    searches = peers.faiss_searches(x) if options.peers else None
    if searches is not None:
        others["faiss IndexFlatIP"] = lambda: searches[1](11)
    yield compare(
        "contradiction",
        f"topk/{case}",
        "GFLOP per CPU-second",
        _rate(
            work,
            lambda: top_k(x, 10, threads=1),
            lambda found: np.array_equal(found[0], reference[0]),
        ),
        {
            name: ("peer", _rate(work, call, lambda found: len(found) == n))
            for name, call in others.items()
        },
        rounds=3,
        better="higher",
        seed=options.seed,
        checked=True,
    )


def _range_others(options: Options, x: Rows, threshold: float) -> dict[str, Callable[[], int]]:
    others: dict[str, Callable[[], int]] = {"numpy": lambda: peers.numpy_range(x, threshold)}
    searches = peers.faiss_searches(x) if options.peers else None
    if searches is not None:
        others["faiss IndexFlatIP"] = lambda: searches[0](threshold)
    return others


def _rows(n: int, d: int, kind: str, seed: int) -> Rows:
    """Give unit rows; the last twenty are near copies of the first twenty."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, d)).astype(np.float32)
    if kind == "clustered":
        centres = random.standard_normal((max(1, n // 50), d)).astype(np.float32)
        x = centres[np.arange(n) % len(centres)] + 0.5 * x
    x[-_PLANTED:] = x[:_PLANTED] + 0.05 * x[-_PLANTED:]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return np.ascontiguousarray(x, dtype=np.float32)


def _threshold(x: Rows, kind: str) -> float:
    """Give a threshold that about ten partners a row exceed, if the rows are random."""
    if kind == "clustered":
        return 0.7
    sample = (x[:256] @ x.T).ravel()
    place = int(len(sample) * (1.0 - 10.0 / len(x)))
    return float(np.partition(sample, place)[place])


def _check_range(x: Rows, threshold: float, pairs: Pairs) -> int:
    """Compare with every pair that a matrix product calls near, scored by the oracle."""
    wanted_i, wanted_j, wanted_score = [], [], []
    for start in range(0, len(x), 1024):
        near = x[start : start + 1024] @ x.T > threshold - _ORACLE_MARGIN
        i, j = np.nonzero(near)
        i += start
        i, j = i[i < j], j[i < j]
        score = pair_scores(x, i, j)
        kept = score > threshold
        wanted_i.append(i[kept])
        wanted_j.append(j[kept])
        wanted_score.append(score[kept])
    wanted = [np.concatenate(part) for part in (wanted_i, wanted_j, wanted_score)]
    same = all(np.array_equal(got, want) for got, want in zip(pairs, wanted, strict=True))
    _require(same, "pairs differ from the oracle's")
    planted = set(zip(pairs.i.tolist(), pairs.j.tolist(), strict=True))
    last = len(x) - _PLANTED
    _require(all((k, last + k) in planted for k in range(_PLANTED)), "a planted pair is missing")
    return len(pairs.i)


def _check_top_k(x: Rows, indices: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]) -> None:
    """Compare a hundred rows, the planted ones among them, with the oracle's ranking."""
    last = len(x) - _PLANTED
    rows = np.unique(np.r_[0:_PLANTED, last : len(x), np.linspace(0, len(x) - 1, 60, dtype=int)])
    for row in rows.tolist():
        near = np.flatnonzero(x @ x[row] > scores[row, -1] - _ORACLE_MARGIN)
        near = near[near != row]
        score = pair_scores(x, np.full(len(near), row), near)
        order = np.lexsort((near, -score))[: indices.shape[1]]
        _require(np.array_equal(indices[row], near[order]), "partners differ from the oracle's")
        _require(np.array_equal(scores[row], score[order]), "scores differ from the oracle's")


def _timer(call: Callable[[], Any], correct: Callable[[Any], bool]) -> Callable[[], float]:
    def once() -> float:
        start = time.process_time()
        result = call()
        elapsed = time.process_time() - start
        _require(correct(result), "a timed result is wrong")
        return elapsed * 1e3

    return once


def _rate(
    work: float, call: Callable[[], Any], correct: Callable[[Any], bool]
) -> Callable[[], float]:
    timer = _timer(call, correct)
    return lambda: work / (timer() / 1e3)


def _require(condition: object, message: str) -> None:
    if not condition:
        raise AssertionError(message)
