"""`CognitiveFieldDynamics`: fields that find their neighbours and that waves strengthen."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kimera_leakguard_native.engines.cognitive_field.config import CognitiveFieldConfig
from kimera_leakguard_native.engines.cognitive_field.geometry import (
    cosines,
    distances,
    phase,
    resonance,
    unit_vector,
)
from kimera_leakguard_native.engines.cognitive_field.store import Field, FieldMap, FieldStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_FARTHEST = 2.0
_WAVES_AT_ONCE = 128
_STRONG, _RESONANT = 2.0, 50.0


class Wave(NamedTuple):
    """The wave of one field: where it started and how far it has come."""

    origin_id: str
    radius: float
    amplitude: float
    wavelength: float


class CognitiveFieldDynamics:
    """Fields in one space; safe to use from several threads.

    Every field emits a wave when it is added. A wave lives until nothing can be in its reach any
    more, and no longer than its field.

    Parameters
    ----------
    dimension : int
        Numbers an embedding.
    config : CognitiveFieldConfig, optional
        Strengths, thresholds and speeds.
    max_fields : int, optional
        Bound on the fields: above it the oldest goes. None keeps all.
    on_evict : callable, optional
        Called with the id of a field that the bound removed.

    Attributes
    ----------
    time : float
        Seconds that `evolve_fields` has simulated.
    """

    def __init__(
        self,
        dimension: int,
        config: CognitiveFieldConfig | None = None,
        *,
        max_fields: int | None = None,
        on_evict: Callable[[str], object] | None = None,
    ) -> None:
        self.dimension = dimension
        self.config = config or CognitiveFieldConfig()
        self.time = 0.0
        self._store = FieldStore(dimension, "float32", max_fields, on_evict)
        self._searches = 0
        self._seconds = 0.0

    @property
    def fields(self) -> FieldMap:
        """The fields by id, live, oldest first."""
        return FieldMap(self._store)

    @property
    def field_count(self) -> int:
        """Number of fields."""
        return len(self._store)

    @property
    def max_fields(self) -> int | None:
        """Bound on the fields; None keeps all."""
        return self._store.max_fields

    def limit_fields(self, max_fields: int | None) -> int:
        """Bound the fields from now on, removing the oldest above it; give the number removed."""
        return self._store.limit(max_fields)

    @property
    def waves(self) -> list[Wave]:
        """The waves that can still reach something."""
        with self._store.lock:
            columns, names = self._store.columns, self._store.names
            return [
                Wave(
                    name,
                    float(columns["radius"][row]),
                    float(columns["amplitude"][row]),
                    float(2 * np.pi / columns["resonance"][row]),
                )
                for row in self._waving().tolist()
                if (name := names[row]) is not None
            ]

    def add_geoid(self, geoid_id: str, embedding: Any) -> Field | None:
        """Add a field, or give the one that is there.

        Parameters
        ----------
        embedding : array_like
            Shape (dimension,): numpy, torch or a sequence of numbers; scaled to length 1.

        Returns
        -------
        Field or None
            None for an empty or a zero embedding.

        Raises
        ------
        ValueError
            Another shape, or a number that is not finite.
        """
        if geoid_id in self._store:
            return Field(self._store, geoid_id)
        unit = unit_vector(geoid_id, embedding, self.dimension)
        if unit is None:
            return None
        params = self.config.field_params
        figures = {
            "strength": params.DEFAULT_FIELD_STRENGTH,
            "resonance": resonance(unit, params.RESONANCE_FREQUENCY_EMBEDDING_SLICE),
            "phase": phase(unit, params.PHASE_EMBEDDING_SPLIT_FACTOR),
            "created": self.time,
            "amplitude": params.DEFAULT_FIELD_STRENGTH,
        }
        with self._store.lock:
            if geoid_id not in self._store:
                self._store.add(geoid_id, unit, **figures)
        return Field(self._store, geoid_id)

    def remove_geoid(self, geoid_id: str) -> bool:
        """Remove a field, its wave, and their memory; False where there is none."""
        return self._store.remove(geoid_id)

    def clear(self) -> int:
        """Remove every field; give their number."""
        with self._store.lock:
            ids = self._store.ids()
            for geoid_id in ids:
                self.remove_geoid(geoid_id)
        return len(ids)

    def compact(self) -> int:
        """Give whole free pages back to the system; say how many bytes. No field moves."""
        return self._store.pool.shrink()

    def find_semantic_neighbors(
        self, geoid_id: str, energy_threshold: float = 0.1
    ) -> list[tuple[str, float]]:
        """Find fields alike in direction and resonance.

        The score is ``0.7 * cosine + 0.3 / (1 + |difference of resonance|)``.

        Returns
        -------
        list of (str, float)
            Scores strictly above the threshold, highest first.

        Raises
        ------
        ValueError
            There is no field of that id.
        """
        start = time.perf_counter()
        with self._store.lock:
            row = self._store.row(geoid_id)
            cosine = self._cosines_with(row)
            frequency = self._store.columns["resonance"]
            gap = np.abs(frequency[: len(cosine)] - frequency[row])
            found = self._ranked(row, 0.7 * cosine + 0.3 / (1.0 + gap), energy_threshold)
        self._searches += 1
        self._seconds += time.perf_counter() - start
        return found

    def find_influence_field(self, geoid_id: str) -> dict[str, float]:
        """Give ``s_i * s_j / (1 + distance)`` of a field with every other, s being strengths.

        Raises
        ------
        ValueError
            There is no field of that id.
        """
        with self._store.lock:
            row = self._store.row(geoid_id)
            apart = distances(self._cosines_with(row))
            strength = self._store.columns["strength"]
            influence = strength[row] * strength[: len(apart)] / (1.0 + apart)
            return dict(self._ranked(row, influence, -np.inf))

    async def evolve_fields(self, time_step: float) -> None:
        """Let the waves travel, and strengthen the fields that resonate with one passing.

        Parameters
        ----------
        time_step : float
            Seconds; above 0.
        """
        if not (time_step > 0 and np.isfinite(time_step)):
            raise ValueError(f"time_step: expected a positive number of seconds, got {time_step}")
        params = self.config.wave_params
        with self._store.lock:
            before, self.time = self.time, self.time + time_step
            rows = self._waving()
            columns = self._store.columns
            columns["radius"][rows] += params.PROPAGATION_SPEED * time_step
            radius = columns["radius"][rows]
            columns["amplitude"][rows] *= np.exp(-params.AMPLITUDE_DECAY_RATE * radius * time_step)
            spent = (columns["amplitude"][rows] < params.AMPLITUDE_CUTOFF) | (
                radius > _FARTHEST + params.WAVE_THICKNESS
            )
            columns["amplitude"][rows[spent]] = 0.0
            ids = [self._store.names[row] for row in rows[~spent].tolist()]
        for start in range(0, len(ids), _WAVES_AT_ONCE):
            self._meet(ids[start : start + _WAVES_AT_ONCE], before, time_step)
            await asyncio.sleep(0)

    def detect_semantic_anomalies(self) -> list[dict[str, Any]]:
        """Find fields with a strength above 2 or a resonance frequency above 50."""
        with self._store.lock:
            return [
                {"geoid_id": name, "anomaly_type": kind, "value": float(column[row])}
                for kind, column, limit in (
                    ("field_strength", self._store.columns["strength"], _STRONG),
                    ("resonance_frequency", self._store.columns["resonance"], _RESONANT),
                )
                for row in np.flatnonzero(self._store.live()).tolist()
                if column[row] > limit and (name := self._store.names[row]) is not None
            ]

    def find_semantic_clusters_by_resonance(self) -> list[set[str]]:
        """Group fields, oldest first, with those whose resonance lies within 1 of theirs.

        Returns
        -------
        list of set of str
            Groups of two and more; every field is in at most one.
        """
        with self._store.lock:
            ids = self._store.ids()
            rows = np.array([self._store.row(name) for name in ids], dtype=np.int64)
            frequency = self._store.columns["resonance"][rows]
        left = np.ones(len(ids), dtype=np.bool_)
        clusters = []
        for at in range(len(ids)):
            if left[at]:
                near = left & (np.abs(frequency - frequency[at]) < 1.0)
                left &= ~near
                if near.sum() > 1:
                    clusters.append({ids[index] for index in np.flatnonzero(near).tolist()})
        return clusters

    def get_performance_stats(self) -> dict[str, Any]:
        """Count fields, waves and searches, and measure their memory in bytes."""
        memory = self._store.pool.stats()
        return {
            "total_fields": self.field_count,
            "active_waves": len(self._waving()),
            "evicted_fields": self._store.evicted,
            "neighbor_searches": self._searches,
            "avg_search_time_ms": 1e3 * self._seconds / max(1, self._searches),
            "used_bytes": memory["used_bytes"],
            "committed_bytes": memory["committed_bytes"],
            "time": self.time,
        }

    def _waving(self) -> NDArray[np.int64]:
        return np.flatnonzero(self._store.columns["amplitude"] > 0.0)

    def _cosines_with(self, row: int) -> NDArray[np.float32]:
        rows = self._store.embeddings()
        return cosines(rows, rows[row : row + 1])[:, 0]

    def _ranked(self, row: int, scores: NDArray[Any], threshold: float) -> list[tuple[str, float]]:
        kept = self._store.live() & (scores > threshold)
        kept[row] = False
        rows = np.flatnonzero(kept)
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        names = self._store.names
        return [
            (name, float(scores[at])) for at in rows.tolist() if (name := names[at]) is not None
        ]

    def _meet(self, ids: list[str | None], before: float, time_step: float) -> None:
        """Strengthen what the waves of some fields reach now and have not reached before."""
        params = self.config.wave_params
        with self._store.lock:
            columns = self._store.columns
            there = [name for name in ids if name is not None and name in self._store]
            waves = np.array([self._store.row(name) for name in there], dtype=np.int64)
            rows = self._store.embeddings()
            apart = distances(cosines(rows, rows[waves]))
            created = columns["created"][: len(rows)]
            radius = columns["radius"][waves]
            length = 2 * np.pi / np.maximum(columns["resonance"][: len(rows)], 1.0)
            felt = columns["amplitude"][waves] * np.exp(-apart / length[waves])
            reached = np.abs(apart - radius) <= params.WAVE_THICKNESS
            # Radii only grow: what an earlier step reached lies within the last one's front.
            last = radius - params.PROPAGATION_SPEED * time_step + params.WAVE_THICKNESS
            met = (apart <= last) & (created < before)[:, None] & (created[waves] < before)
            resonant = np.abs(length[:, None] - length[waves]) < params.RESONANCE_THRESHOLD
            hit = reached & ~met & resonant & (felt > params.INTERACTION_STRENGTH_THRESHOLD)
            hit &= (self._store.live() & (created < self.time))[:, None]
            hit[waves, np.arange(len(waves))] = False
            gain = np.where(hit, felt, 0.0).sum(axis=1) * params.RESONANCE_EFFECT_STRENGTH
            columns["strength"][: len(rows)] += gain
