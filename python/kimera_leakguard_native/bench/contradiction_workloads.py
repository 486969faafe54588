"""Rows to search in, and the oracle's answer for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kimera_leakguard_native.bench.oracles.similarity import pair_scores

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from kimera_leakguard_native.engines.contradiction.pairs import Pairs

    Rows = npt.NDArray[np.float32]

PLANTED = 20
_ORACLE_MARGIN = 1e-3
"""Far more than float32 matrix products err for unit rows of a thousand entries."""


def unit_rows(n: int, d: int, kind: str, seed: int) -> Rows:
    """Give unit rows; the last twenty are near copies of the first twenty."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, d)).astype(np.float32)
    if kind == "clustered":
        centres = random.standard_normal((max(1, n // 50), d)).astype(np.float32)
        x = centres[np.arange(n) % len(centres)] + 0.5 * x
    return _planted(x, random)


def stored_rows(path: Path, seed: int) -> Rows:
    """Give the rows of a ``.npy`` file as unit rows, shuffled, with the same near copies planted.

    Raises
    ------
    ValueError
        The file holds no float32 matrix of forty rows or more.
    """
    x = np.load(path)
    if x.dtype != np.float32 or x.ndim != 2 or len(x) < 2 * PLANTED:
        message = f"{path}: expected float32 rows, forty at least; got {x.dtype} of shape {x.shape}"
        raise ValueError(message)
    random = np.random.default_rng(seed)
    return _planted(x[random.permutation(len(x))], random)


def _planted(x: Rows, random: np.random.Generator) -> Rows:
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    noise = random.standard_normal((PLANTED, x.shape[1])) * (0.05 / np.sqrt(x.shape[1]))
    x[-PLANTED:] = x[:PLANTED] + noise.astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return np.ascontiguousarray(x, dtype=np.float32)


def selective_threshold(x: Rows, partners: float = 10.0) -> float:
    """Give a threshold that so many partners a row exceed, from a sample of the rows."""
    sample = (x[:256] @ x.T).ravel()
    place = int(len(sample) * (1.0 - partners / len(x)))
    return float(np.partition(sample, place)[place])


def check_range(x: Rows, threshold: float, pairs: Pairs) -> int:
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
    require(same, "pairs differ from the oracle's")
    found = set(zip(pairs.i.tolist(), pairs.j.tolist(), strict=True))
    last = len(x) - PLANTED
    require(all((k, last + k) in found for k in range(PLANTED)), "a planted pair is missing")
    return len(pairs.i)


def check_top_k(x: Rows, indices: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]) -> None:
    """Compare a hundred rows, the planted ones among them, with the oracle's ranking."""
    last = len(x) - PLANTED
    rows = np.unique(np.r_[0:PLANTED, last : len(x), np.linspace(0, len(x) - 1, 60, dtype=int)])
    for row in rows.tolist():
        near = np.flatnonzero(x @ x[row] > scores[row, -1] - _ORACLE_MARGIN)
        near = near[near != row]
        score = pair_scores(x, np.full(len(near), row), near)
        order = np.lexsort((near, -score))[: indices.shape[1]]
        require(np.array_equal(indices[row], near[order]), "partners differ from the oracle's")
        require(np.array_equal(scores[row], score[order]), "scores differ from the oracle's")


def require(condition: object, message: str) -> None:
    """Raise unless a result is what it has to be."""
    if not condition:
        raise AssertionError(message)
