"""Embeddings as fields see them: unit vectors, their resonance and their phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ROWS_AT_ONCE = 65_536


def unit_vector(geoid_id: str, embedding: Any, dimension: int) -> Floats | None:
    """Scale an embedding to length 1, in float64; None for an empty or a zero one.

    Parameters
    ----------
    embedding : array_like
        Shape (dimension,): numpy, torch (from any device) or a sequence of numbers.

    Raises
    ------
    ValueError
        Another shape, or a number that is not finite.
    """
    if hasattr(embedding, "detach"):  # a torch tensor, without importing torch
        embedding = embedding.detach().cpu().numpy()
    vector: Floats = np.asarray(embedding, dtype=np.float64)
    if vector.size == 0:
        return None
    if vector.shape != (dimension,):
        raise ValueError(
            f"geoid {geoid_id!r}: expected an embedding of shape ({dimension},), got {vector.shape}"
        )
    largest = np.abs(vector).max()
    if not np.isfinite(largest):
        raise ValueError(f"geoid {geoid_id!r}: the embedding holds a number that is not finite")
    if largest == 0.0:
        return None
    vector = vector / largest  # squares of very large or very small numbers would not fit
    unit: Floats = vector / np.sqrt(vector @ vector)
    return unit


def resonance(unit: Floats, coefficients: int) -> float:
    """Give sum |FFT(unit)[:coefficients]| + 1."""
    half = len(unit) // 2 + 1
    spectrum = np.fft.rfft(unit) if coefficients <= half else np.fft.fft(unit)
    return float(np.abs(spectrum[:coefficients]).sum()) + 1.0


def phase(unit: Floats, split: int) -> float:
    """Give pi times (sum of the first 1/split of the numbers - sum of the rest)."""
    at = len(unit) // split
    return float((unit[:at].sum() - unit[at:].sum()) * np.pi)


def cosines(rows: NDArray[Any], vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Give the dot products of unit rows (n, d) with unit vectors (m, d): float32 (n, m)."""
    wanted = vectors.astype(np.float32)
    result = np.empty((len(rows), len(wanted)), dtype=np.float32)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE].astype(np.float32, copy=False)
        np.matmul(part, wanted.T, out=result[start : start + len(part)])
    return np.clip(result, -1.0, 1.0, out=result)


def distances(cosine: NDArray[Any]) -> Floats:
    """Give the distances of unit vectors from their cosines."""
    result: Floats = np.sqrt(np.maximum(0.0, 2.0 - 2.0 * cosine.astype(np.float64)))
    return result
