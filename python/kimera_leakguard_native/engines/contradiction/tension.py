"""The composite score of two geoids: how far embeddings, features and assertions disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from kimera_leakguard_native._core import similarity
from kimera_leakguard_native.engines.contradiction import embeddings as geoid_embeddings
from kimera_leakguard_native.engines.contradiction.geoid import TensionGradient
from kimera_leakguard_native.engines.contradiction.set_terms import (
    Incidence,
    SymbolicStates,
    jaccard_distance,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.int64]

Scoring = Literal["mean", "weighted"]

_WEIGHTS = (0.4, 0.3, 0.3)
_BOUND_CLASSES = 256
_MARGIN = 1e-9
"""Much more than the float64 rounding of a score, much less than anything it decides."""


class Geoid(Protocol):
    """What a geoid must offer; its class does not matter."""

    @property
    def geoid_id(self) -> str:
        """Unique among the geoids that are compared."""

    @property
    def semantic_state(self) -> Mapping[str, float]:
        """Features and their weights."""

    @property
    def symbolic_state(self) -> Mapping[str, Any]:
        """Assertions."""

    @property
    def embedding_vector(self) -> Any:
        """A vector of numbers, or nothing."""


class Tensions:
    """Tensions among n geoids.

    ``mean``: (1 - cosine + layer + symbolic) / 3, where layer is the mean of the Jaccard distances
    of semantic and of symbolic keys, and symbolic the share of common symbolic keys with unequal
    values. ``weighted``: 0.4, 0.3 and 0.3 of 1 - cosine clamped to [0, 1], of the Jaccard distance
    of semantic keys and of symbolic opposition; a term that neither geoid has is absent, and the
    remaining weights are scaled to sum 1.

    A pair in which a geoid has no embedding takes the cosine of the semantic weights. A zero
    embedding has cosine 0 with all. Each score depends on its two geoids alone.
    """

    def __init__(self, geoids: Sequence[Geoid], scoring: Scoring) -> None:
        self._geoids = geoids
        self._mean = scoring == "mean"
        self._ids = [geoid.geoid_id for geoid in geoids]
        self._embeddings = geoid_embeddings.stack([g.embedding_vector for g in geoids], self._ids)
        if self._mean:
            self._embeddings.require_one_length(self._ids)
        self._semantic = Incidence([g.semantic_state for g in geoids])
        self._symbolic = SymbolicStates([g.symbolic_state for g in geoids])

    def above(self, threshold: float, threads: int) -> list[TensionGradient]:
        """Give the pairs that exceed (weighted: reach) the threshold, in order."""
        found_i, found_j, found_score = [], [], []
        try:
            for i, j, cosine, present in self._cosines(threshold, threads):
                score = self._score(i, j, cosine, present)
                kept = score > threshold if self._mean else score >= threshold
                found_i.append(i[kept])
                found_j.append(j[kept])
                found_score.append(score[kept])
        except ValueError:
            self._embeddings.require_finite(self._ids)
            raise
        if not found_i:
            return []
        i, j, score = np.concatenate(found_i), np.concatenate(found_j), np.concatenate(found_score)
        order = np.lexsort((j, i))
        kind = "composite" if self._mean else "pairwise_composite"
        return [
            TensionGradient(self._ids[a], self._ids[b], value, kind)
            for a, b, value in zip(
                i[order].tolist(), j[order].tolist(), score[order].tolist(), strict=True
            )
        ]

    def _score(self, i: Indices, j: Indices, cosine: Floats, present: Floats) -> Floats:
        layer, symbolic = self._set_terms(i, j)
        if self._mean:
            mean: Floats = ((1.0 - cosine) * present + layer + symbolic) / 3.0
            return mean
        sizes = self._semantic.sizes
        weights = np.stack(
            [
                _WEIGHTS[0] * present,
                _WEIGHTS[1] * ((sizes[i] > 0) | (sizes[j] > 0)),
                _WEIGHTS[2] * self._symbolic.present(i, j),
            ]
        )
        terms = np.stack([np.clip(1.0 - cosine, 0.0, 1.0), layer, symbolic])
        total = weights[0] + weights[1] + weights[2]
        weighted = weights[0] * terms[0] + weights[1] * terms[1] + weights[2] * terms[2]
        score: Floats = np.divide(weighted, total, out=np.zeros_like(total), where=total > 0)
        return score

    def _set_terms(self, i: Indices, j: Indices) -> tuple[Floats, Floats]:
        layer = jaccard_distance(self._semantic, i, j)
        if not self._mean:
            return layer, self._symbolic.opposition(i, j)
        layer = (layer + jaccard_distance(self._symbolic.keys, i, j)) / 2.0
        return layer, self._symbolic.unequal_share(i, j)

    def _cosines(
        self, threshold: float, threads: int
    ) -> Iterator[tuple[Indices, Indices, Floats, Floats]]:
        """Give pairs, their cosines and whether they have one: all pairs that could be kept."""
        lengths = self._embeddings.lengths
        one_length = bool((lengths[lengths > 0] == lengths.max(initial=0)).all())
        usual = ~self._embeddings.missing & ~self._embeddings.zero
        if one_length:
            limit = self._cosine_limit(threshold)
            scan = similarity.PairScan(self._embeddings.matrix.data, limit, True, threads)
            while (batch := scan.next_batch()) is not None:
                i, j, cosine = batch
                yield i, j, cosine, np.ones(len(i))
        else:
            usual = np.zeros_like(usual)
        yield from self._unusual(usual)

    def _unusual(
        self, usual: npt.NDArray[np.bool_]
    ) -> Iterator[tuple[Indices, Indices, Floats, Floats]]:
        """Give the pairs with a geoid that the scan of embeddings leaves out, one by one."""
        if usual.all():
            return
        others = np.arange(len(usual))
        for i in range(len(usual)):
            partners = others[(others > i) & ~(usual[i] & usual)].tolist()
            if not partners:
                continue
            cosines = [self._cosine(i, j) for j in partners]
            j = np.array(partners, dtype=np.int64)
            present = np.array([float(c is not None) for c in cosines])
            yield np.full(len(j), i), j, np.array([c or 0.0 for c in cosines]), present

    def _cosine(self, i: int, j: int) -> float | None:
        lengths, matrix = self._embeddings.lengths, self._embeddings.matrix
        length = int(min(lengths[i], lengths[j]))
        if length == 0:
            return geoid_embeddings.semantic_cosine(
                self._geoids[i].semantic_state, self._geoids[j].semantic_state
            )
        x, y = matrix[i, :length], matrix[j, :length]
        (_, _, score), _ = similarity.PairScan(np.stack([x, y]).data, 2.0).collect()
        return float(score[0]) if len(score) else 0.0

    def _cosine_limit(self, threshold: float) -> float:
        """Give a cosine below which every pair must lie that can be kept.

        The set terms of few distinct kinds of geoids are bounded by those of all pairs of kinds.
        """
        if not self._mean:
            # A missing term raises the weight of the others: no bound by the cosine alone.
            return 2.0
        kinds = self._kinds()
        bound = 2.0
        if len(kinds) <= _BOUND_CLASSES:
            i, j = (part.ravel() for part in np.meshgrid(kinds, kinds))
            layer, symbolic = self._set_terms(i, j)
            bound = float((layer + symbolic).max(initial=0.0))
        return 1.0 + bound - 3.0 * threshold + _MARGIN

    def _kinds(self) -> Indices:
        """Give one geoid of each kind: equal feature keys and symbolic state."""
        kinds = np.concatenate([self._semantic.kinds, self._symbolic.kinds])
        _, first = np.unique(kinds, axis=1, return_index=True)
        return first.astype(np.int64)
