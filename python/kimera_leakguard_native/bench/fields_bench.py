"""Cognitive fields: what one more costs when there are many already."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from kimera_leakguard_native.bench.harness import Measurement, Options, Other, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_DIMENSION = 64
_PARTS = 8
_COPIED = 4000


class _CopyingFields:
    """The original's way: five arrays, each copied whole for one more field."""

    def __init__(self) -> None:
        self.arrays: list[NDArray[Any]] = [np.empty((0, _DIMENSION), np.float32)]
        self.arrays += [np.empty(0, np.float32) for _ in range(4)]

    def add_geoid(self, _name: str, embedding: NDArray[Any]) -> None:
        unit = embedding / np.linalg.norm(embedding)
        resonance = np.abs(np.fft.fft(unit)[:10]).sum() + 1
        rows = [unit[None, :], *(np.full(1, value, np.float32) for value in (1.0, resonance, 0, 0))]
        self.arrays = [np.concatenate(both) for both in zip(self.arrays, rows, strict=True)]


def run(options: Options) -> Iterator[Result]:
    """Add fields to one store and time each part of them: the curve is flat if adding is linear."""
    from kimera_leakguard_native.engines.cognitive_field.dynamics import CognitiveFieldDynamics

    count = 10_000 if options.quick else 100_000
    random = np.random.default_rng(options.seed)
    embeddings = random.standard_normal((1000, _DIMENSION)).astype(np.float32)
    fields, part, medians = CognitiveFieldDynamics(_DIMENSION), count // _PARTS, []
    for first in range(0, count, part):
        times = _add(fields, embeddings, first, first + part)
        medians.append(statistics.median(times))
        yield Result(
            "fields",
            f"add/from={first}/to={first + part}",
            "CPU us",
            "lower",
            Measurement.of(times),
            checked=True,
        )
    if len(fields.fields) != count:
        raise AssertionError("fields are missing")
    last = fields.fields[f"g{count - 1}"].embedding
    unit = embeddings[(count - 1) % 1000] / np.linalg.norm(embeddings[(count - 1) % 1000])
    if not np.allclose(last, unit, atol=1e-6):
        raise AssertionError("the last field is not what was added")
    yield _growth(medians)
    yield _copying(embeddings)


def _add(fields: Any, embeddings: NDArray[Any], first: int, last: int) -> list[float]:
    """Add fields and give the CPU time of one, in microseconds, by tenths of them."""
    times = []
    step = max(1, (last - first) // 10)
    for start in range(first, last, step):
        stop = min(last, start + step)
        began = time.thread_time_ns()
        for number in range(start, stop):
            fields.add_geoid(f"g{number}", embeddings[number % 1000])
        times.append((time.thread_time_ns() - began) / 1e3 / (stop - start))
    return times


def _growth(medians: list[float]) -> Result:
    ratio = Measurement.of([medians[-1] / medians[0]])
    return Result("fields", "add/last-part-over-first", "ratio", "lower", ratio, checked=True)


def _copying(embeddings: NDArray[Any]) -> Result:
    from kimera_leakguard_native.engines.cognitive_field.dynamics import CognitiveFieldDynamics

    ours, theirs = CognitiveFieldDynamics(_DIMENSION), _CopyingFields()
    mine, other = (_add(each, embeddings, 0, _COPIED)[1:] for each in (ours, theirs))
    if len(ours.fields) != len(theirs.arrays[0]):
        raise AssertionError("fields are missing")
    growth = Measurement.of([mine[-1] / mine[0]])
    copied = other[-1] / other[0]
    return Result(
        "fields",
        f"add/growth-to={_COPIED}",
        "ratio",
        "lower",
        growth,
        {"five copies an add": Other("replica", copied, copied / growth.median)},
        checked=True,
    )
