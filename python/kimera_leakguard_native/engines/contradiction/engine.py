"""The contradiction engine: what Kimera calls."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from kimera_leakguard_native._core import similarity
from kimera_leakguard_native.engines.contradiction.arguments import as_threshold, thread_count
from kimera_leakguard_native.engines.contradiction.embeddings import Embeddings, semantic_cosine
from kimera_leakguard_native.engines.contradiction.geoid import GeoidState, TensionGradient
from kimera_leakguard_native.engines.contradiction.on_device import uses_device
from kimera_leakguard_native.engines.contradiction.pairs import contradiction_pairs
from kimera_leakguard_native.engines.contradiction.tension import Geoid, Scoring, Tensions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from kimera_leakguard_native.engines.contradiction.on_device import Backend


class OptimizedContradictionEngine:
    """Finds the contradictions and tensions among geoids, exactly.

    Parameters
    ----------
    geoids : iterable of geoids
        Held under their ids; see `add_geoids`.
    threshold : float
        Two geoids contradict each other where the cosine of their embeddings lies strictly below.
    tension_threshold : float
        For `detect_tension_gradients`: exceeded under ``mean``, reached under ``weighted``.
    scoring : {'mean', 'weighted'}
        See `tension.Tensions`.
    backend : {'auto', 'cpu', 'cuda'}
        Where contradictions are searched; results do not depend on it. ``cuda`` without a device
        raises `CudaUnavailable`. Tensions are searched on the processor.

    Attributes
    ----------
    geoids : list of str
        Ids of the held geoids, in the order they were added.
    embeddings : dict of str to sequence of float
        Their embeddings as they were given.
    """

    def __init__(
        self,
        geoids: Iterable[Geoid] = (),
        *,
        threshold: float = -0.5,
        tension_threshold: float = 0.4,
        scoring: Scoring = "mean",
        backend: Backend = "auto",
    ) -> None:
        if scoring not in get_args(Scoring):
            message = f"scoring: expected 'mean' or 'weighted', got {scoring!r}"
            raise ValueError(message)
        uses_device(None, backend)
        if not math.isfinite(tension_threshold):
            message = f"tension_threshold: expected a finite number, got {tension_threshold!r}"
            raise ValueError(message)
        self.threshold = as_threshold(threshold)
        self.tension_threshold = float(tension_threshold)
        self.scoring: Scoring = scoring
        self.backend: Backend = backend
        self._held: dict[str, Geoid] = {}
        self._threads: int | None = None
        self._detections = 0
        self._seconds = 0.0
        self._processed = 0
        self._tensions = 0
        self.add_geoids(geoids)

    @property
    def geoids(self) -> list[str]:
        """Ids of the held geoids."""
        return list(self._held)

    @property
    def embeddings(self) -> dict[str, Any]:
        """Embeddings of the held geoids, as they were given."""
        return {name: geoid.embedding_vector for name, geoid in self._held.items()}

    def add_geoids(self, geoids: Iterable[Geoid]) -> None:
        """Hold geoids, or hold them anew under ids that are known already.

        Anything with `geoid_id`, `semantic_state`, `symbolic_state` and `embedding_vector` is a
        geoid. They are not copied; every detection looks at them as they are then.
        """
        for geoid in geoids:
            self._held[geoid.geoid_id] = geoid

    def remove_geoids(self, ids: Iterable[str]) -> None:
        """Forget geoids; ids that are not held are passed over."""
        for geoid_id in ids:
            self._held.pop(geoid_id, None)

    def detect_contradictions(
        self, geoids: Sequence[str | Geoid] | None = None
    ) -> dict[str, list[str]]:
        """Find the contradicting pairs among some geoids, or among all that are held.

        Parameters
        ----------
        geoids : sequence of str or geoids, optional
            Ids of held geoids, or geoids themselves. One that is named twice counts once.

        Returns
        -------
        dict of str to list of str
            Every queried id, with the later queried ids that contradict it, in query order.

        Raises
        ------
        KeyError
            An id that is not held.
        ValueError
            Embeddings of different lengths, or with NaN or infinity.
        """
        start = time.perf_counter()
        queried = self._resolve(geoids)
        ids = list(queried)
        found = self._contradictions(list(queried.values()), ids, self._threads)
        result: dict[str, list[str]] = {geoid_id: [] for geoid_id in ids}
        for i, j in found:
            result[ids[i]].append(ids[j])
        self._record(start, len(ids), len(found))
        return result

    def detect_contradictions_faiss(
        self, geoids: Sequence[str | Geoid] | None = None
    ) -> dict[str, list[str]]:
        """Find what `detect_contradictions` finds; no index is needed, FAISS's neither."""
        return self.detect_contradictions(geoids)

    def detect_tension_gradients(
        self, geoids: Sequence[str | Geoid] | None = None
    ) -> list[TensionGradient]:
        """Find the pairs whose composite tension exceeds the threshold, in query order.

        The same scores at every number of geoids; see `tension.Tensions` for their definition.
        """
        start = time.perf_counter()
        queried = list(self._resolve(geoids).values())
        count = len(queried)
        tensions = Tensions(queried, self.scoring)
        threads = thread_count(self._threads, count * count / 2, tensions.columns)
        found = tensions.above(self.tension_threshold, threads)
        self._record(start, count, len(found))
        return found

    def get_performance_stats(self) -> dict[str, float]:
        """Give totals and means over all detections since the engine was made."""
        detections = max(1, self._detections)
        return {
            "total_detections": self._detections,
            "avg_detection_time_ms": self._seconds * 1e3 / detections,
            "geoids_processed": self._processed,
            "tensions_found": self._tensions,
            "avg_geoids_per_detection": self._processed / detections,
            "avg_tensions_per_geoid": self._tensions / max(1, self._processed),
        }

    def optimize_performance(self) -> dict[str, float]:
        """Find out whether one thread or all are faster for the held geoids, and use that from now.

        Returns
        -------
        dict
            ``threads`` and the milliseconds of one detection with one thread (``one_thread_ms``)
            and with one for each processor (``all_threads_ms``).
        """
        everybody = thread_count(None, math.inf, 1)
        seconds = {}
        for threads in (1, everybody):
            start = time.perf_counter()
            self._contradictions(list(self._held.values()), list(self._held), threads)
            seconds[threads] = time.perf_counter() - start
        self._threads = min(seconds, key=lambda threads: seconds[threads])
        return {
            "threads": self._threads,
            "one_thread_ms": seconds[1] * 1e3,
            "all_threads_ms": seconds[everybody] * 1e3,
        }

    def benchmark_performance(
        self, test_sizes: Sequence[int] = (50, 100, 200, 500), dimension: int = 1024
    ) -> dict[int, dict[str, float]]:
        """Time detections among random geoids with planted contradictions.

        Returns
        -------
        dict of int to dict
            Per size ``time_ms``, ``planted``, ``found`` and ``geoids_per_second``. Found equals
            planted unless a random pair contradicts by chance.
        """
        results = {}
        for size in test_sizes:
            random = np.random.default_rng(size)
            vectors = random.standard_normal((size, dimension)).astype(np.float32)
            planted = size // 10
            vectors[size - planted :] = -vectors[:planted]
            engine = OptimizedContradictionEngine(
                [GeoidState(f"geoid_{k}", embedding_vector=v) for k, v in enumerate(vectors)],
                threshold=self.threshold,
            )
            start = time.perf_counter()
            found = engine.detect_contradictions()
            seconds = time.perf_counter() - start
            results[size] = {
                "time_ms": seconds * 1e3,
                "planted": planted,
                "found": sum(map(len, found.values())),
                "geoids_per_second": size / seconds,
            }
        return results

    def _resolve(self, geoids: Sequence[str | Geoid] | None) -> dict[str, Geoid]:
        if geoids is None:
            return dict(self._held)
        queried: dict[str, Geoid] = {}
        for geoid in geoids:
            if not isinstance(geoid, str):
                queried.setdefault(geoid.geoid_id, geoid)
            elif geoid in self._held:
                queried.setdefault(geoid, self._held[geoid])
            else:
                message = f"geoid {geoid!r} is not held: add it with add_geoids first"
                raise KeyError(message)
        return queried

    def _contradictions(
        self, geoids: Sequence[Geoid], ids: Sequence[str], threads: int | None
    ) -> list[tuple[int, int]]:
        embeddings = Embeddings([geoid.embedding_vector for geoid in geoids], ids)
        embeddings.require_one_length()
        try:
            i, j = self._search(embeddings, len(ids), threads)
        except ValueError:
            embeddings.require_finite()
            raise
        found = list(zip(i.tolist(), j.tolist(), strict=True))
        missing = embeddings.missing
        if missing:
            found += self._semantic_contradictions(geoids, set(missing))
            found.sort()
        return found

    def _search(
        self, embeddings: Embeddings, count: int, threads: int | None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        if uses_device(None, self.backend):
            pairs = contradiction_pairs(embeddings.matrix, self.threshold, backend=self.backend)
            return pairs.i, pairs.j
        threads = thread_count(threads, count * count / 2, embeddings.columns)
        scan = similarity.PairScan(embeddings.rows, self.threshold, True, threads)
        (i, j, _), _ = scan.collect()
        return i, j

    def _semantic_contradictions(
        self, geoids: Sequence[Geoid], missing: set[int]
    ) -> list[tuple[int, int]]:
        """Compare pairs in which a geoid has no embedding by their semantic weights."""
        found = []
        for i in sorted(missing):
            for j in range(len(geoids)):
                if j == i or (j in missing and j < i):
                    continue
                cosine = semantic_cosine(geoids[i].semantic_state, geoids[j].semantic_state)
                if cosine is not None and cosine < self.threshold:
                    found.append((min(i, j), max(i, j)))
        return found

    def _faiss_contradiction_detection(
        self, geoids: Sequence[str | Geoid] | None = None
    ) -> dict[str, list[str]]:
        return self.detect_contradictions(geoids)

    def _optimized_detection(
        self, geoids: Sequence[str | Geoid] | None = None
    ) -> dict[str, list[str]]:
        return self.detect_contradictions(geoids)

    def _record(self, start: float, geoids: int, tensions: int) -> None:
        self._seconds += time.perf_counter() - start
        self._detections += 1
        self._processed += geoids
        self._tensions += tensions
