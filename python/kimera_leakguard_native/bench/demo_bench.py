"""What detection and recovery cost a service: the demo's, with its guard on and off.

The same service under the same load has its guard switched on and off in neighbouring slices of
time, in random order, and what is compared is the processor time of its process for each request.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.bench.harness import Measurement, Other, Result
from kimera_leakguard_native.runtime import process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.bench.harness import Options
    from kimera_leakguard_native.integration.demo.guarded import GuardedService

_RATE = 400
_SLICE_S = 6.0  # time for a leak to be found, and for a recovery
_PAIRS = 18
_CONTROL = 3  # a pair with nothing switched for so many pairs
_ROOM_MB = 100.0
_LOAD = "kimera_leakguard_native.integration.demo.load"


def run(options: Options) -> Iterator[Result]:
    """Print the ratio of a guarded request's processor time to an unguarded one's."""
    pairs = options.rounds(_PAIRS)
    # What the guard logs of the planted leaks is no news here.
    logger = logging.getLogger("kimera_leakguard_native")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        figures = asyncio.run(_measure(pairs, options.seed))
    finally:
        logger.setLevel(level)
    ours = Measurement.of(figures.ratios)
    null = Measurement.of(figures.control)
    yield Result(
        "demo",
        f"guard/rate={_RATE}/requests={figures.requests}",
        "CPU ratio",
        "lower",
        ours,
        others={"nothing switched": Other("floor", null.median, null.median / ours.median)},
        checked=True,  # every answer is compared by the load, and a failed one ends the benchmark
        hits=figures.recoveries,
    )


class _Figures(NamedTuple):
    ratios: list[float]
    control: list[float]
    requests: int
    recoveries: int


async def _measure(pairs: int, seed: int) -> _Figures:
    from kimera_leakguard_native.integration.demo.guarded import GuardedService
    from kimera_leakguard_native.integration.recovery.action import Outcome

    guarded = GuardedService(recover=True)
    await guarded.service.start()
    guarded.warm_up()
    limit_mb = process.resident_bytes() / 2**20 + _ROOM_MB
    guarded.integrator.memory_limit_mb = limit_mb
    seconds = 2 * (pairs + 1) * 2 * (_SLICE_S + 1.0)  # more than is needed: it is ended
    load = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _LOAD, str(guarded.service.port), str(seconds), str(_RATE),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    order = random.Random(seed)
    ratios: list[float] = []
    control: list[float] = []
    for number in range(-1, pairs):
        ratio = await _pair(guarded, order, switching=True)
        if number < 0:
            continue  # the first one loads what the guard needs
        ratios.append(ratio)
        if number % _CONTROL == 0:
            control.append(await _pair(guarded, order, switching=False))
    load.terminate()
    counts = json.loads((await load.communicate())[0])
    await guarded.service.stop()
    if counts["failed"] or counts["ok"] != counts["sent"]:
        raise AssertionError(f"not every request had its answer: {counts}")
    entries = guarded.monitoring.recovery.audit.entries()
    done = sum(each.outcome is Outcome.DONE for each in entries)
    if not done:
        raise AssertionError("the planted leaks led to no recovery: not all of the guard was timed")
    return _Figures(ratios, control, counts["ok"], done)


async def _pair(guarded: GuardedService, order: random.Random, *, switching: bool) -> float:
    cost = {}
    for on in order.sample((False, True), 2):
        guarded.forget()  # so that both begin with the same memory
        if on and switching:
            await guarded.start_guard()
        cost[on] = await _slice(guarded)
        if on and switching:
            await guarded.stop_guard()
    return cost[True] / cost[False]


async def _slice(guarded: GuardedService) -> float:
    """Give the processor seconds for each request."""
    before, begin = guarded.service.requests, time.process_time()
    await asyncio.sleep(_SLICE_S)
    used, served = time.process_time() - begin, guarded.service.requests - before
    if served < _RATE * _SLICE_S / 2:
        message = f"only {served} requests in {_SLICE_S} s, {_RATE * _SLICE_S:.0f} were expected"
        raise AssertionError(message)
    return used / served
