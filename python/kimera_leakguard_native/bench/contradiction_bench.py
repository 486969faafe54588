"""Exact pair search beside numpy, FAISS and the original's loops, with planted pairs."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from kimera_leakguard_native._core import similarity
from kimera_leakguard_native.bench import peak_memory
from kimera_leakguard_native.bench.contradiction_workloads import (
    PLANTED,
    check_range,
    check_top_k,
    require,
    selective_threshold,
    stored_rows,
    unit_rows,
)
from kimera_leakguard_native.bench.harness import Options, Result, compare
from kimera_leakguard_native.bench.oracles.similarity import pair_scores
from kimera_leakguard_native.bench.peers import similarity as peers
from kimera_leakguard_native.engines.contradiction.engine import OptimizedContradictionEngine
from kimera_leakguard_native.engines.contradiction.geoid import GeoidState
from kimera_leakguard_native.engines.contradiction.index import SimilarityIndex
from kimera_leakguard_native.engines.contradiction.neighbours import top_k
from kimera_leakguard_native.engines.contradiction.pairs import contradiction_pairs, count_pairs
from kimera_leakguard_native.errors import LeakGuardError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kimera_leakguard_native.bench.contradiction_workloads import Rows

_SAMPLE = 100
_CLUSTERED_THRESHOLD = 0.7


def run(options: Options) -> Iterator[Result]:
    """Time one thread of each; throughput counts 2·n²·d operations whatever was really computed.

    Times are CPU time of the whole process; with OPENBLAS_NUM_THREADS=1 numpy's other threads
    spend none of it waiting. A ``.npy`` file as source is searched as well.
    """
    yield from _geoids(options)
    yield from _small_range(options)
    yield from _shares_of_the_peak(options)
    yield from _two_threads(options)
    yield _memory(options)
    n = 4000 if options.quick else 20000
    shapes = [(n, 768, "random")]
    if not options.quick:
        shapes = [(n, d, kind) for d in (384, 768, 1024) for kind in ("random", "clustered")]
    if options.large:
        shapes.append((100_000, 768, "random"))
    for rows, d, kind in shapes:
        x = unit_rows(rows, d, kind, options.seed)
        threshold = _CLUSTERED_THRESHOLD if kind == "clustered" else selective_threshold(x)
        yield from _searches(options, x, threshold, kind)
    if options.source is not None and options.source.suffix == ".npy":
        x = stored_rows(options.source, options.seed)
        for threshold in (0.9, 0.7, selective_threshold(x)):
            yield from _searches(
                options, x, threshold, f"{options.source.stem}/above={threshold:.3g}"
            )


def _geoids(options: Options) -> Iterator[Result]:
    """Time the original's benchmark, from geoid objects to tensions and to contradictions."""
    x = unit_rows(200, 1024, "random", options.seed)
    x[-PLANTED:] *= -1.0  # near copies become contradictions
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
    require(tensions == expected, "tensions differ from the definition")
    require(len(expected) >= PLANTED, "a planted contradiction is missing")
    features = (set(semantic), set(semantic))
    sample = [(int(a), int(b)) for a, b in zip(i[::_SAMPLE], j[::_SAMPLE], strict=True)]

    def replica() -> float:
        start = time.thread_time()
        replicated = [peers.replica_tension(x[a], x[b], features) for a, b in sample]
        elapsed = time.thread_time() - start
        require(np.allclose(replicated, scores[::_SAMPLE], atol=1e-4), "the replica is wrong")
        return elapsed * 1e3 * len(i) / len(sample)

    yield compare(
        "contradiction",
        "tensions/n=200/d=1024/threads=1",
        "ms",
        _timer(engine.detect_tension_gradients, lambda found: len(found) == len(expected)),
        {f"original's loops (1 pair in {_SAMPLE}, scaled)": ("replica", replica)},
        rounds=options.rounds(15),
        seed=options.seed,
        checked=True,
        hits=len(expected),
    )
    yield compare(
        "contradiction",
        "geoids/n=200/d=1024/threads=1",
        "ms",
        _timer(
            engine.detect_contradictions, lambda found: sum(map(len, found.values())) == PLANTED
        ),
        {f"original's loops (1 pair in {_SAMPLE}, scaled)": ("replica", replica)},
        rounds=options.rounds(60),
        seed=options.seed,
        checked=True,
        hits=PLANTED,
    )


def _small_range(options: Options) -> Iterator[Result]:
    x = unit_rows(200, 1024, "random", options.seed)
    hits = check_range(x, 0.5, contradiction_pairs(x, 0.5, below=False, threads=1))
    index = SimilarityIndex(1024, x, threads=1)
    check_range(x, 0.5, index.pairs(0.5, below=False))
    others = _range_others(options, x, 0.5)
    calls: dict[str, Callable[[], Any]] = {
        "range": lambda: contradiction_pairs(x, 0.5, below=False, threads=1),
        "index": lambda: index.pairs(0.5, below=False),
    }
    for name, call in calls.items():
        yield compare(
            "contradiction",
            f"{name}/n=200/d=1024/random/threads=1",
            "ms",
            _timer(call, lambda pairs: len(pairs.i) == hits),
            {other: ("peer", _timer(theirs, bool)) for other, theirs in others.items()},
            rounds=options.rounds(60),
            seed=options.seed,
            checked=True,
            hits=hits,
        )


def _shares_of_the_peak(options: Options) -> Iterator[Result]:
    """Time scans without hits beside the bare instruction on registers, filter by filter."""
    n = 4000 if options.quick else 12000
    for d in (384, 768, 1024):
        x = unit_rows(n, d, "random", options.seed)
        for name in ("floats", "halves", "codes"):
            try:
                peak = similarity.measure_peak(name)
            except LeakGuardError:
                continue
            yield compare(
                "contradiction",
                f"peak/n={n}/d={d}/{name}/threads=1",
                "GOP per CPU-second, really computed",
                _scan_rate(x, name),
                {f"the instruction alone ({peak / 1e9:.0f} at first)": ("floor", _peak_rate(name))},
                rounds=options.rounds(7),
                better="higher",
                seed=options.seed,
                checked=True,
                hits=PLANTED,
            )


def _scan_rate(x: Rows, name: str) -> Callable[[], float]:
    def once() -> float:
        scan = similarity.PairScan(x.data, 0.9, False, 1, filter=name)
        start = time.process_time()
        found = scan.count()
        elapsed = time.process_time() - start
        require(found == PLANTED, "a planted pair is missing")
        work = float(len(x) * (len(x) - 1) * x.shape[1])
        return work / elapsed / 1e9

    return once


def _peak_rate(name: str) -> Callable[[], float]:
    return lambda: similarity.measure_peak(name) / 1e9


def _two_threads(options: Options) -> Iterator[Result]:
    """Time two threads beside one: by the clock, and by processor time as if cores were free."""
    n = 4000 if options.quick else 20000
    x = unit_rows(n, 768, "random", options.seed)
    for name, clock in (("wall", time.perf_counter), ("cpu", time.process_time)):

        def seconds(threads: int, clock: Callable[[], float] = clock) -> float:
            start = clock()
            found = count_pairs(x, 0.9, below=False, threads=threads)
            elapsed = clock() - start
            require(found == PLANTED, "a planted pair is missing")
            return elapsed

        share = 0.5 if name == "cpu" else 1.0
        yield compare(
            "contradiction",
            f"threads=2/n={n}/d=768/random/{name}",
            "s" if name == "wall" else "CPU-seconds a core",
            lambda share=share, seconds=seconds: share * seconds(2),  # type: ignore[misc]
            {"one thread": ("floor", lambda seconds=seconds: seconds(1))},  # type: ignore[misc]
            rounds=options.rounds(9),
            seed=options.seed,
            checked=True,
            hits=PLANTED,
        )


def _memory(options: Options) -> Result:
    """Measure how far the peak of resident memory rises during a call, in a process of its own."""
    n, d = (4000 if options.quick else 20000), 768
    command = [sys.executable, "-m", peak_memory.__name__, str(n), str(d), str(options.seed)]

    def once() -> float:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rise, hits = done.stdout.split()
        require(int(hits) == PLANTED, "a planted pair is missing")
        return float(rise) / (n * d)

    return compare(
        "contradiction",
        f"memory/n={n}/d={d}/random/threads=1",
        "bytes an entry beyond the rows themselves",
        once,
        {"a matrix of all scores (computed)": ("floor", lambda: 4.0 * n / d)},
        rounds=3,
        seed=options.seed,
        checked=True,
        hits=PLANTED,
    )


def _searches(options: Options, x: Rows, threshold: float, kind: str) -> Iterator[Result]:
    n, d = x.shape
    work = 2.0 * n * n * d / 1e9
    hits = check_range(x, threshold, contradiction_pairs(x, threshold, below=False, threads=1))
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
    check_top_k(x, *reference)
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


def _timer(call: Callable[[], Any], correct: Callable[[Any], bool]) -> Callable[[], float]:
    def once() -> float:
        start = time.process_time()
        result = call()
        elapsed = time.process_time() - start
        require(correct(result), "a timed result is wrong")
        return elapsed * 1e3

    return once


def _rate(
    work: float, call: Callable[[], Any], correct: Callable[[Any], bool]
) -> Callable[[], float]:
    timer = _timer(call, correct)
    return lambda: work / (timer() / 1e3)
