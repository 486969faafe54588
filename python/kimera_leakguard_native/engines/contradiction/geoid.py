"""Geoids and the tensions between them, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass
class GeoidState:
    """A weighted bag of features, symbolic assertions and an embedding under one id.

    Attributes
    ----------
    geoid_id : str
        Unique among the geoids that are compared.
    semantic_state : dict of str to float
        Features and their weights.
    symbolic_state : dict of str to any
        Assertions.
    embedding_vector : sequence of float or ndarray of float32
        Empty where there is none.
    metadata : dict
        Not looked at.
    """

    geoid_id: str
    semantic_state: dict[str, float] = field(default_factory=dict)
    symbolic_state: dict[str, Any] = field(default_factory=dict)
    embedding_vector: Any = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def calculate_entropy(self) -> float:
        """Give the Shannon entropy in bits of the semantic weights, normalised to sum 1.

        Weights that are not positive carry no probability.
        """
        weights = [w for w in self.semantic_state.values() if w > 0]
        total = math.fsum(weights)
        return -math.fsum(w / total * math.log2(w / total) for w in weights) if weights else 0.0


@dataclass(frozen=True)
class TensionGradient:
    """How strongly two geoids pull apart.

    Attributes
    ----------
    tension_score : float
        See `tension` for the two definitions.
    gradient_type : str
        ``composite`` (mean of the terms) or ``pairwise_composite`` (weighted).
    """

    geoid_a: str
    geoid_b: str
    tension_score: float
    gradient_type: str
