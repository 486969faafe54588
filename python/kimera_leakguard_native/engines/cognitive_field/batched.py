"""`CognitiveFieldDynamicsGPU`: fields added in batches and searched many at a time.

There is no device memory behind it yet: host memory stands in, and `device` says so.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from kimera_leakguard_native.engines.cognitive_field.config import CognitiveFieldConfig
from kimera_leakguard_native.engines.cognitive_field.geometry import (
    cosines,
    distances,
    phase,
    unit_vector,
)
from kimera_leakguard_native.engines.cognitive_field.store import Field, FieldMap, FieldStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_RESONANCE = 30.0
"""10 + 20 * |e|, as in the original, where every embedding has length 1."""

_LEAST_INFLUENCE = 0.01
_QUERIES_AT_ONCE = 64


class CognitiveFieldDynamicsGPU:
    """Fields in half precision; safe to use from several threads.

    Parameters
    ----------
    dimension : int
        Numbers an embedding.
    config : CognitiveFieldConfig, optional
        Strengths; there are no waves here.
    batch_size : int
        Fields that wait before they are added together.
    max_fields : int, optional
        Bound on the fields: above it the oldest goes. None keeps all.
    on_evict : callable, optional
        Called with the id of a field that the bound removed.
    """

    device = "cpu"

    def __init__(
        self,
        dimension: int,
        config: CognitiveFieldConfig | None = None,
        *,
        batch_size: int = 10,
        max_fields: int | None = None,
        on_evict: Callable[[str], object] | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1, got {batch_size}")
        self.dimension = dimension
        self.config = config or CognitiveFieldConfig()
        self.batch_size = batch_size
        self._store = FieldStore(dimension, "float16", max_fields, on_evict)
        self._pending: dict[str, NDArray[np.float64]] = {}
        self._searches = self._batches = self._added = 0
        self._add_seconds = self._search_seconds = 0.0
        self._peak = 0.0

    @property
    def fields(self) -> FieldMap:
        """The fields by id, live, oldest first, without those that wait for their batch."""
        return FieldMap(self._store)

    @property
    def field_count(self) -> int:
        """Number of fields, those that wait included."""
        return len(self._store) + len(self._pending)

    def add_geoid(self, geoid_id: str, embedding: Any) -> Field | None:
        """Queue a field, or give the one that is there.

        Returns
        -------
        Field or None
            None while the batch is not full, and for an empty or zero embedding; else the field.

        Raises
        ------
        ValueError
            Another shape than (dimension,), or a number that is not finite.
        """
        with self._store.lock:
            if geoid_id in self._store:
                return Field(self._store, geoid_id)
            unit = unit_vector(geoid_id, embedding, self.dimension)
            if unit is None:
                return None
            self._pending.setdefault(geoid_id, unit)
            if len(self._pending) < self.batch_size:
                return None
            return self._flush_pending_fields()

    def _flush_pending_fields(self) -> Field | None:
        """Add what waits; give the last field of it."""
        start = time.perf_counter()
        params = self.config.field_params
        with self._store.lock:
            waiting, self._pending = self._pending, {}
            last = None
            for geoid_id, unit in waiting.items():
                self._store.add(
                    geoid_id,
                    unit,
                    strength=params.DEFAULT_FIELD_STRENGTH,
                    resonance=_RESONANCE,
                    phase=phase(unit, params.PHASE_EMBEDDING_SPLIT_FACTOR),
                )
                last = Field(self._store, geoid_id)
            if waiting:
                seconds = time.perf_counter() - start
                self._batches += 1
                self._added += len(waiting)
                self._add_seconds += seconds
                self._peak = max(self._peak, len(waiting) / max(seconds, 1e-9))
        return last

    def remove_geoid(self, geoid_id: str) -> bool:
        """Remove a field, also one that waits; False where there is none."""
        with self._store.lock:
            return self._pending.pop(geoid_id, None) is not None or self._store.remove(geoid_id)

    def find_semantic_neighbors(
        self, geoid_id: str, energy_threshold: float = 0.1, top_k: int = 50
    ) -> list[tuple[str, float]]:
        """Find the fields nearest to one; [] for an unknown id. See `find_neighbors_gpu_batch`."""
        with self._store.lock:
            if geoid_id not in self._store:
                return []
            return self.find_neighbors_gpu_batch(
                [self._store.row(geoid_id)], energy_threshold, top_k
            )[0]

    def find_neighbors_gpu_batch(
        self, query_indices: Sequence[int], energy_threshold: float = 0.1, top_k: int = 50
    ) -> list[list[tuple[str, float]]]:
        """Find the nearest fields of many.

        The score is ``0.7 * cosine + 0.3 * exp(-0.1 * |difference of resonance|)``.

        Parameters
        ----------
        query_indices : sequence of int
            Rows of the store: for a store without removals, positions in the order of adding.
        top_k : int
            The most neighbours a query.

        Returns
        -------
        list of list of (str, float)
            For each query, scores strictly above the threshold, highest first.

        Raises
        ------
        ValueError
            A row holds no field.
        """
        start = time.perf_counter()
        found: list[list[tuple[str, float]]] = []
        with self._store.lock:
            live, names = self._store.live(), self._store.names
            for row in query_indices:
                if not (0 <= row < len(names) and names[row] is not None):
                    raise ValueError(f"query index {row}: holds no field")
            rows = self._store.embeddings()
            for at in range(0, len(query_indices), _QUERIES_AT_ONCE):
                queries = np.array(query_indices[at : at + _QUERIES_AT_ONCE], dtype=np.int64)
                scores = 0.7 * cosines(rows, rows[queries]) + np.float32(0.3)
                scores[~live] = -np.inf
                for column, row in enumerate(queries.tolist()):
                    found.append(self._best(scores[:, column], row, energy_threshold, top_k))
            self._searches += len(query_indices)
            self._search_seconds += time.perf_counter() - start
        return found

    def find_influence_field(self, geoid_id: str) -> dict[str, float]:
        """Give ``exp(-distance / 2)`` with every other field, above 0.01; {} for an unknown id."""
        with self._store.lock:
            if geoid_id not in self._store:
                return {}
            row = self._store.row(geoid_id)
            rows = self._store.embeddings()
            influence = np.exp(-0.5 * distances(cosines(rows, rows[row : row + 1])[:, 0]))
            kept = self._store.live() & (influence > _LEAST_INFLUENCE)
            kept[row] = False
            names = self._store.names
            return {
                name: float(influence[at])
                for at in np.flatnonzero(kept).tolist()
                if (name := names[at]) is not None
            }

    def get_performance_stats(self) -> dict[str, Any]:
        """Count fields, batches and searches, and measure times and memory.

        Times are of the host: ``gpu_time_ms`` is 0 as long as there is no device.
        """
        memory = self._store.pool.stats()
        total = self._add_seconds + self._search_seconds
        mib = 1 << 20
        return {
            "total_fields": len(self._store),
            "pending_fields": len(self._pending),
            "evicted_fields": self._store.evicted,
            "neighbor_searches": self._searches,
            "batch_operations": self._batches,
            "gpu_time_ms": 0.0,
            "total_time_ms": 1e3 * total,
            "gpu_efficiency_percent": 0.0,
            "fields_per_second": self._added / self._add_seconds if self._add_seconds else 0.0,
            "peak_throughput": self._peak,
            "average_batch_size": self._added / self._batches if self._batches else 0.0,
            "current_optimal_batch_size": self.batch_size,
            "average_gpu_utilization": 0.0,
            "gpu_memory": {
                "allocated_mb": memory["used_bytes"] / mib,
                "reserved_mb": memory["committed_bytes"] / mib,
                "max_allocated_mb": memory["peak"] * memory["row_bytes"] / mib,
                "utilization_percent": 100.0 * memory["utilization"],
                "memory_efficiency_percent": 100.0 * memory["utilization"],
                "stream_count": 0,
                "memory_pool_utilization": memory["live"] / memory["capacity"],
            },
            "device": self.device,
        }

    def optimize_for_inference(self) -> int:
        """Add what waits and give whole free pages back; say how many bytes."""
        self._flush_pending_fields()
        return self._store.pool.shrink()

    def shutdown(self) -> None:
        """Remove every field and give the memory back. The object can still be used."""
        with self._store.lock:
            self._pending.clear()
            for geoid_id in self._store.ids():
                self._store.remove(geoid_id)
            self._store.pool.shrink()

    def _best(
        self, scores: NDArray[np.float32], row: int, threshold: float, top_k: int
    ) -> list[tuple[str, float]]:
        scores[row] = -np.inf
        rows = np.flatnonzero(scores > threshold)
        if len(rows) > top_k:
            rows = np.sort(rows[np.argpartition(-scores[rows], top_k)[:top_k]])
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        names = self._store.names
        return [
            (name, float(scores[at])) for at in rows.tolist() if (name := names[at]) is not None
        ]
