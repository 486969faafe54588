"""How much of a pool's memory is in use: after a trace, and while fields are added one by one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.bench.harness import Measurement, Options, Other, Result
from kimera_leakguard_native.bench.peers.caching_allocator import CachingAllocator
from kimera_leakguard_native.gpu.slots import SlotPool

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIM = 768
_ROW = 4 * _DIM
_STEADY = 10_000
_MODEL = "caching allocator (model)"
_SIZES = (100, 500, 1000, 2000, 5000)
_FIELD = 2 * 1024


def run(options: Options) -> Iterator[Result]:
    """Replay the same calls on a pool and on the model of a caching allocator."""
    yield from _trace(options)
    yield _fields()


def record_trace(operations: int, seed: int) -> list[int]:
    """Record mixed calls around 10,000 live slots.

    Returns
    -------
    list of int
        -1 allocates; any other number frees the lease at that place of the list of live ones, the
        last of which takes its place.
    """
    chance = random.Random(seed)
    live = _STEADY
    trace = [-1] * live
    for _ in range(operations):
        # Drawn back to 10,000, so that the trace is a steady state.
        if chance.random() * 2 * _STEADY >= live:
            trace.append(-1)
            live += 1
        else:
            trace.append(chance.randrange(live))
            live -= 1
    return trace


def _trace(options: Options) -> Iterator[Result]:
    operations = 100_000 if options.quick else 1_000_000
    trace = record_trace(operations, options.seed)
    pool, model = SlotPool(_DIM, capacity=1 << 20), CachingAllocator()
    mine: list[int] = []
    for step in trace:
        if step < 0:
            mine.append(pool.allocate())
            continue
        mine[step], mine[-1] = mine[-1], mine[step]
        pool.free(mine.pop())
    blocks = []
    for step in trace:
        if step < 0:
            blocks.append(model.allocate(_ROW))
            continue
        blocks[step], blocks[-1] = blocks[-1], blocks[step]
        model.free(blocks.pop())
    if sorted(mine) != sorted(pool.live_handles().tolist()) or len(mine) != len(blocks):
        raise AssertionError("the trace lost a handle")
    for moment, give_back in (
        ("before-shrink", None),
        ("after-shrink", (pool.shrink, model.empty_cache)),
    ):
        for call in give_back or ():
            call()
        stats = pool.stats()
        share = 100.0 * stats["utilization"]
        reserved = 100.0 * len(blocks) * _ROW / model.reserved_bytes
        case = f"trace/operations={operations}/committed-in-use/{moment}"
        other = {_MODEL: Other("replica", reserved, share / reserved)}
        yield Result("slots", case, "%", "higher", Measurement.of([share]), other, checked=True)
    everything = stats["committed_bytes"] + stats["metadata_bytes"]
    share = 100.0 * stats["used_bytes"] / everything
    case = f"trace/operations={operations}/committed-in-use/metadata-counted"
    yield Result("slots", case, "%", "higher", Measurement.of([share]), checked=True)


def _fields() -> Result:
    """Replay the specification's fragmentation: reserved over allocated while fields are added.

    1024-dimensional float16 fields; the mean of the ratio at 100, 500, 1000, 2000 and 5000 of them.
    The original appended to five arrays by a new array and a copy each time; that is replayed on
    the model, where its 7.15 came from a device.
    """
    pool, ratios = SlotPool(1024, "float16"), []
    for size in _SIZES:
        pool.alloc_many(size - len(pool))
        stats = pool.stats()
        ratios.append(stats["committed_bytes"] / stats["used_bytes"])
    model, theirs = CachingAllocator(), []
    arrays: list[Any] = []
    for n in range(1, _SIZES[-1] + 1):
        grown = [model.allocate(n * width) for width in (_FIELD, 4, 4, 4, 4)]
        for array in arrays:
            model.free(array)
        arrays = grown
        if n in _SIZES:
            theirs.append(model.reserved_bytes / model.allocated_bytes)
    if len(pool) != _SIZES[-1] or model.allocated_bytes < _SIZES[-1] * _FIELD:
        raise AssertionError("fields are missing")
    mean, other = sum(ratios) / len(ratios), sum(theirs) / len(theirs)
    return Result(
        "slots",
        "specification/fragmentation",
        "reserved / in use",
        "lower",
        Measurement(mean, min(ratios), max(ratios), len(ratios)),
        {"appending by copies on the model": Other("replica", other, other / mean)},
        checked=True,
    )
