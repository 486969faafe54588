"""What detection and recovery cost a service: the demo's, with its guard on and off.

The same service under the same load has its guard switched on and off in neighbouring slices of
time, in random order, and what is compared is the processor time of its process for each request.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import TYPE_CHECKING

from kimera_leakguard_native.bench.harness import Measurement, Other, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.bench.harness import Options
    from kimera_leakguard_native.integration.demo.guarded import GuardedService

_RATE = 400
_SLICE_S = 2.0  # four passes of the monitor
_PAIRS = 30
_LOAD = "kimera_leakguard_native.integration.demo.load"


def run(options: Options) -> Iterator[Result]:
    """Print the ratio of a guarded request's processor time to an unguarded one's."""
    pairs = options.rounds(_PAIRS)
    ratios, control, requests = asyncio.run(_measure(pairs, options.seed))
    median = Measurement.of(ratios)
    null = Measurement.of(control)
    yield Result(
        "demo",
        f"guard/rate={_RATE}/requests={requests}",
        "CPU ratio",
        "lower",
        median,
        others={"nothing switched": Other("floor", null.median, null.median / median.median)},
        checked=True,  # every answer is compared by the load, and a failed one ends the benchmark
    )


async def _measure(pairs: int, seed: int) -> tuple[list[float], list[float], int]:
    from kimera_leakguard_native.integration.demo.guarded import GuardedService

    guarded = GuardedService(recover=True)
    await guarded.service.start()
    guarded.warm_up()
    seconds = (2 * pairs + 2) * 2 * (_SLICE_S + 1.0)
    load = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _LOAD, str(guarded.service.port), str(seconds), str(_RATE),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    order = random.Random(seed)
    ratios: list[float] = []
    control: list[float] = []
    for number in range(-1, pairs):
        guard = await _pair(guarded, order, switching=True)
        null = await _pair(guarded, order, switching=False)
        if number >= 0:
            ratios.append(guard)
            control.append(null)
    load.terminate()
    counts = json.loads((await load.communicate())[0])
    await guarded.service.stop()
    if counts["failed"] or counts["ok"] != counts["sent"]:
        raise AssertionError(f"not every request had its answer: {counts}")
    return ratios, control, counts["ok"]


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
