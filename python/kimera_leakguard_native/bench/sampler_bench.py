"""Whether the sampler's estimate is true. What sampling costs: `klg bench overhead`."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from kimera_leakguard_native import _core
from kimera_leakguard_native.bench.harness import Measurement, Options, Result
from kimera_leakguard_native.errors import RuntimeUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


MEAN = 512 * 1024

_BLOCK = 100
"""Payload of the blocks of the estimate; `bytes` objects have no free list."""


def run(options: Options) -> Iterator[Result]:
    """Estimate a known total."""
    if reason := _core.sampler.unavailable_reason():
        raise RuntimeUnavailable(f"klg bench sampler: {reason}")
    yield _estimate(options)


def _estimate(options: Options) -> Result:
    """Allocate known totals and compare: the estimate over the truth, which should be 1."""
    size = bytes(_BLOCK).__sizeof__()
    count = 200_000 if options.quick else 1_000_000
    total = float(size * count)
    ratios = []
    for _ in range(options.rounds(9)):
        _core.sampler.start(mean_bytes=float(MEAN))
        try:
            for _ in itertools.repeat(None, count):  # counting would allocate integers
                bytes(_BLOCK)
        finally:
            _core.sampler.stop()
        totals = _core.sampler.own_capture().totals()
        error = abs(totals["allocated_bytes"] - total)
        if error > 5 * totals["allocated_standard_error"]:
            message = f"estimated {totals['allocated_bytes']:.0f} bytes of {total:.0f}"
            raise AssertionError(message)
        ratios.append(totals["allocated_bytes"] / total)
        _check_density(totals["points"], total / MEAN)
    return Result(
        name="sampler",
        case=f"estimate/bytes={total:.0f}/mean={MEAN}",
        unit="ratio",
        better="lower",
        ours=Measurement.of(ratios),
        checked=True,
    )


def _check_density(points: int, expected: float) -> None:
    # Five standard deviations of a Poisson count, and in the long run no less than 0.8 of it.
    if points < min(0.8 * expected, expected - 5 * expected**0.5):
        message = f"{points} sample points where {expected:.0f} were expected"
        raise AssertionError(message)
