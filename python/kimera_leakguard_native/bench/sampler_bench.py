"""Whether the sampler's estimate is true, and what it takes to start, to keep and to be read.

What sampling costs the program: `klg bench overhead`.
"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native import _core
from kimera_leakguard_native.bench import sampler_memory
from kimera_leakguard_native.bench.harness import Measurement, Options, Result
from kimera_leakguard_native.errors import RuntimeUnavailable
from kimera_leakguard_native.runtime import sampler
from kimera_leakguard_native.runtime.observation import Observation
from kimera_leakguard_native.runtime.process import resident

if TYPE_CHECKING:
    from collections.abc import Iterator


MEAN = 512 * 1024

_BLOCK = 100
"""Payload of the blocks of the estimate; `bytes` objects have no free list."""

_LINES = 100
_A_LINE = 100
"""Live samples of the snapshot, by line."""


def run(options: Options) -> Iterator[Result]:
    """Estimate a known total, then give the time of a start and of a snapshot, and our memory."""
    if reason := _core.sampler.unavailable_reason():
        raise RuntimeUnavailable(f"klg bench sampler: {reason}")
    yield _estimate(options)
    yield _start(options)
    yield _snapshot(options)
    yield from sampler_memory.run(options)


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


def _start(options: Options) -> Result:
    """Time `klg.start()` in processor time of the whole process: it starts a thread, too."""
    times = []
    for _ in range(options.rounds(30)):
        begin = time.process_time()
        sampler.start(agent=False)
        times.append(1e3 * (time.process_time() - begin))
        kept = [bytes(_BLOCK) for _ in range(50_000)]
        samples = sampler.snapshot().samples
        sampler.stop()
        if not samples:
            raise AssertionError(f"{len(kept)} blocks and no sample: it has not started")
    return Result(
        name="sampler",
        case="start",
        unit="ms",
        better="lower",
        ours=Measurement.of(times),
        checked=True,
        note="aim: at most 5 ms; without the socket, which a thread of its own opens",
    )


def _snapshot(options: Options) -> Result:
    """Time a snapshot by site of 10,000 live samples at a hundred lines."""
    count = _LINES * _A_LINE
    source = "\n".join(
        f"kept += [bytes({1000 + line}) for _ in range({_A_LINE})]" for line in range(_LINES)
    )
    space: dict[str, Any] = {"kept": []}
    _core.sampler.start(mean_bytes=16.0)
    try:
        exec(compile(source, "/application/lines.py", "exec"), space)
        observation = Observation(_core.sampler.own_capture(), resident, looks=False)
        times = []
        for _ in range(options.rounds(30)):
            begin = time.thread_time()
            taken = observation.snapshot()
            times.append(1e3 * (time.thread_time() - begin))
            sites = [site for site in taken.sites if site.samples >= _A_LINE]
            if {site.line for site in sites} != set(range(1, _LINES + 1)):
                raise AssertionError(f"{len(sites)} of {_LINES} lines have all their samples")
            if taken.live_bytes < 1000 * count:
                raise AssertionError(f"{taken.live_bytes} bytes alive")
    finally:
        _core.sampler.stop()
    return Result(
        name="sampler",
        case=f"snapshot/samples={count}",
        unit="ms",
        better="lower",
        ours=Measurement.of(times),
        checked=True,
        hits=sum(site.samples for site in sites),
        note="aim: at most 5 ms; it takes no lock",
    )


def _check_density(points: int, expected: float) -> None:
    # Five standard deviations of a Poisson count, and in the long run no less than 0.8 of it.
    if points < min(0.8 * expected, expected - 5 * expected**0.5):
        message = f"{points} sample points where {expected:.0f} were expected"
        raise AssertionError(message)
