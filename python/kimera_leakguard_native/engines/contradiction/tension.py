"""The composite score of two geoids: how far embeddings, features and assertions disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from kimera_leakguard_native._core import similarity
from kimera_leakguard_native.engines.contradiction import set_terms
from kimera_leakguard_native.engines.contradiction.embeddings import Embeddings, semantic_cosine
from kimera_leakguard_native.engines.contradiction.geoid import TensionGradient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    Arrays = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]

Scoring = Literal["mean", "weighted"]


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
    of semantic keys and of symbolic opposition: the mean over the common keys, where unequal truth
    values and numbers of opposite sign oppose by 1 and strings that differ beyond upper and lower
    case by 0.5. A term that neither geoid has is absent, and the remaining weights are scaled to
    sum 1.

    A pair in which a geoid has no embedding takes the cosine of the semantic weights. A zero
    embedding has cosine 0 with all. Each score depends on its two geoids alone.
    """

    def __init__(self, geoids: Sequence[Geoid], scoring: Scoring) -> None:
        self._geoids = geoids
        self._mean = scoring == "mean"
        self._ids = [geoid.geoid_id for geoid in geoids]
        self._embeddings = Embeddings([g.embedding_vector for g in geoids], self._ids)
        if self._mean:
            self._embeddings.require_one_length()

    @property
    def columns(self) -> int:
        """Entries of the longest embedding."""
        return self._embeddings.columns

    def above(self, threshold: float, threads: int) -> list[TensionGradient]:
        """Give the pairs that exceed (weighted: reach) the threshold, in order."""
        rule = self._rule(threshold)
        try:
            found, usual = self._search(rule, threads)
            others = list(self._unusual(rule, usual))
        except ValueError:
            self._embeddings.require_finite()
            raise
        i, j, score = found
        if others:
            i, j, score = (np.concatenate(part) for part in zip(found, *others, strict=True))
            order = np.lexsort((j, i))
            i, j, score = i[order], j[order], score[order]
        kind = "composite" if self._mean else "pairwise_composite"
        ids = self._ids
        return [
            TensionGradient(ids[a], ids[b], value, kind)
            for a, b, value in zip(i.tolist(), j.tolist(), score.tolist(), strict=True)
        ]

    def _rule(self, threshold: float) -> similarity.Tension:
        sets = similarity.ItemSets
        states = [geoid.symbolic_state for geoid in self._geoids]
        features = sets([geoid.semantic_state for geoid in self._geoids])
        if self._mean:
            return similarity.MeanTension(
                features, sets(states), sets(set_terms.values(states)), threshold
            )
        folded = set_terms.strings(states)
        return similarity.WeightedTension(
            features,
            sets(states),
            sets(set_terms.sides(states)),
            sets([[key for key, _ in state] for state in folded]),
            sets(folded),
            threshold,
        )

    def _search(
        self, rule: similarity.Tension, threads: int
    ) -> tuple[Arrays, npt.NDArray[np.bool_]]:
        """Give the pairs whose cosine is that of their embeddings, and which geoids have one."""
        usual = np.zeros(len(self._ids), dtype=np.bool_)
        if self._embeddings.odd_one is not None:
            return (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)), usual
        scan = similarity.PairScan(
            self._embeddings.rows, rule.greatest_limit(), True, threads, rule=rule
        )
        usual[scan.members] = True
        return scan.collect()[0], usual

    def _unusual(self, rule: similarity.Tension, usual: npt.NDArray[np.bool_]) -> Iterator[Arrays]:
        """Give the pairs with a geoid that the search leaves out, one geoid after the other."""
        if usual.all():
            return
        others = np.arange(len(usual))
        for i in range(len(usual)):
            j = others[(others > i) & ~(usual[i] & usual)]
            if not len(j):
                continue
            cosines = [self._cosine(i, partner) for partner in j.tolist()]
            yield rule.pairs_above(
                np.full(len(j), i).data,
                j.data,
                np.array([cosine or 0.0 for cosine in cosines]).data,
                np.array([cosine is not None for cosine in cosines]).data,
            )

    def _cosine(self, i: int, j: int) -> float | None:
        lengths, matrix = self._embeddings.lengths, self._embeddings.matrix
        length = int(min(lengths[i], lengths[j]))
        if length == 0:
            return semantic_cosine(self._geoids[i].semantic_state, self._geoids[j].semantic_state)
        both = np.stack([matrix[i, :length], matrix[j, :length]])
        (_, _, score), _ = similarity.PairScan(both.data, 2.0).collect()
        return float(score[0]) if len(score) else 0.0
