"""Logistic regression, fitted by Newton's method: small enough to do without a library."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS = 30
_RIDGE = 1.0
"""Penalty on the square of each weight but the first: a feature that tells nothing gets none."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """P = 1 / (1 + exp(-(w_0 + sum of w_k x_k)))."""

    weights: tuple[float, ...]

    def probability(self, features: Sequence[float]) -> float:
        """Give the probability for one row of features."""
        if len(features) + 1 != len(self.weights):
            raise ValueError(f"expected {len(self.weights) - 1} features, got {len(features)}")
        score = self.weights[0] + sum(
            w * x for w, x in zip(self.weights[1:], features, strict=True)
        )
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))

    def predict(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Give the probability for each row."""
        return [self.probability(row) for row in rows]


def fit(rows: Sequence[Sequence[float]], labels: Sequence[bool]) -> Logistic:
    """Fit by maximum likelihood with a small ridge.

    Notes
    -----
    Iteratively reweighted least squares (McCullagh and Nelder 1989), with the full Newton step.
    """
    if not rows or len(rows) != len(labels):
        raise ValueError(f"expected as many labels as rows, got {len(labels)} and {len(rows)}")
    size = len(rows[0]) + 1
    extended = [(1.0, *row) for row in rows]
    weights = [0.0] * size
    for _ in range(_STEPS):
        gradient = [0.0] + [-_RIDGE * w for w in weights[1:]]
        hessian = [[_RIDGE if i == j and i else 0.0 for j in range(size)] for i in range(size)]
        for row, label in zip(extended, labels, strict=True):
            score = sum(w * x for w, x in zip(weights, row, strict=True))
            chance = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))
            spread = max(1e-9, chance * (1.0 - chance))
            for i in range(size):
                gradient[i] += (label - chance) * row[i]
                scaled = spread * row[i]
                line = hessian[i]
                for j in range(size):
                    line[j] += scaled * row[j]
        step = _solve(hessian, gradient)
        weights = [w + s for w, s in zip(weights, step, strict=True)]
        if max(abs(s) for s in step) < 1e-8:
            break
    return Logistic(tuple(weights))


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a linear system by elimination with pivoting; both are overwritten."""
    size = len(right)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(matrix[row][column]))
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        right[column], right[pivot] = right[pivot], right[column]
        head = matrix[column][column]
        if head == 0.0:
            raise ValueError("the features are linearly dependent")
        for row in range(column + 1, size):
            factor = matrix[row][column] / head
            if factor:
                for k in range(column, size):
                    matrix[row][k] -= factor * matrix[column][k]
                right[row] -= factor * right[column]
    solution = [0.0] * size
    for row in range(size - 1, -1, -1):
        known = sum(matrix[row][k] * solution[k] for k in range(row + 1, size))
        solution[row] = (right[row] - known) / matrix[row][row]
    return solution
