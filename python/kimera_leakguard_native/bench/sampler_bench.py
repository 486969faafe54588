"""What sampled hooks cost, and whether their estimate is true.

The sampler is switched on and off in neighbouring slices of one process, which a busy neighbour on
the machine slows down alike, and each slice is run once before it is timed: the median of the
pairs' ratios repeats to about half a percent on a quiet machine. The same is done with nothing
switched (the control) and with tracemalloc.
"""

from __future__ import annotations

import gc
import itertools
import random
import statistics
import time
import tracemalloc
from typing import TYPE_CHECKING

from kimera_leakguard_native import _core
from kimera_leakguard_native.bench import sampler_workloads
from kimera_leakguard_native.bench.harness import Measurement, Options, Other, Result
from kimera_leakguard_native.errors import RuntimeUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kimera_leakguard_native.bench.sampler_workloads import Workload

MEAN = 512 * 1024

_BLOCK = 100
"""Payload of the blocks of the estimate; `bytes` objects have no free list."""


def run(options: Options) -> Iterator[Result]:
    """Time the hooks on each workload, without and with C allocations; estimate a known total."""
    if reason := _core.sampler.unavailable_reason():
        raise RuntimeUnavailable(f"klg bench sampler: {reason}")
    for case, workload in (
        ("json", sampler_workloads.json_round_trips()),
        ("parser", sampler_workloads.parser()),
        ("numpy", sampler_workloads.arrays()),
    ):
        yield _overhead(case, workload, options)
        if not _core.sampler.native_unavailable_reason("got"):
            yield _overhead(f"{case}/native=got", workload, options, native="got")
    yield _estimate(options)


def _overhead(case: str, workload: Workload, options: Options, native: str = "off") -> Result:
    pairs = options.rounds(150)

    def switch_on() -> None:
        _core.sampler.start(mean_bytes=float(MEAN), native=native)

    ours = _ratios(workload, switch_on, _core.sampler.stop, pairs, options.seed)
    null = _ratios(workload, _nothing, _nothing, pairs, options.seed)
    peer = _ratios(workload, tracemalloc.start, tracemalloc.stop, max(3, pairs // 10), options.seed)
    mine = statistics.median(ours)
    return Result(
        name="sampler",
        case=f"overhead/{case}/mean={MEAN}",
        unit="ratio",
        better="lower",
        ours=Measurement.of(ours),
        others={
            "nothing switched": _other("floor", null, mine),
            "tracemalloc": _other("peer", peer, mine),
        },
        checked=True,  # every slice compares its result, see _slice
    )


def _other(role: str, ratios: list[float], mine: float) -> Other:
    median = statistics.median(ratios)
    return Other(role, median, median / mine)


def _nothing() -> None:
    pass


def _ratios(
    workload: Workload,
    on: Callable[[], object],
    off: Callable[[], object],
    pairs: int,
    seed: int,
) -> list[float]:
    """Give the CPU time of a slice with the tool on, over that of its neighbour without."""
    order = random.Random(seed)
    ratios = []
    gc.collect()
    for number in range(-3, pairs):
        times = {}
        for switched in order.sample((False, True), 2):
            if switched:
                on()
            _slice(workload)  # what a tool touches for the first time belongs to its start
            times[switched] = _slice(workload)
            if switched:
                off()
        if number >= 0:
            ratios.append(times[True] / times[False])
    return ratios


def _slice(workload: Workload) -> float:
    begin = time.thread_time()
    result = workload.run()
    elapsed = time.thread_time() - begin
    if result != workload.expected:
        message = f"the workload gave {result!r}, expected {workload.expected!r}"
        raise AssertionError(message)
    return elapsed


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
