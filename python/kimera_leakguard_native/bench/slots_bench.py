"""Slots: pairs in C++ and from Python, many at once, misuse under fuzz, memory after a trace."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from kimera_leakguard_native import _core
from kimera_leakguard_native.bench import slots_memory
from kimera_leakguard_native.bench.harness import Measurement, Options, Result, compare
from kimera_leakguard_native.gpu.slots import SlotPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DIM = 768
_SLOTS = 4096
_PAIRS = 20_000


def run(options: Options) -> Iterator[Result]:
    """Time each case; every timer checks what it timed."""
    yield from _native_pairs(options)
    yield _python_pairs(options)
    yield _many(options)
    yield _fuzz(options)
    yield from slots_memory.run(options)


def _native_pairs(options: Options) -> Iterator[Result]:
    installed = {"mimalloc", "boost.lockfree"}
    others = [
        name
        for name in _core.slots.benchmark_allocators()
        if name != "arena" and (options.peers or name not in installed)
    ]
    for threads in (1, 2, 16):
        yield compare(
            "slots",
            f"pair/native/threads={threads}",
            "CPU ns",
            _native_timer("arena", threads),
            {name: ("peer", _native_timer(name, threads)) for name in others},
            rounds=options.rounds(15),
            seed=options.seed,
            checked=True,
        )


def _native_timer(allocator: str, threads: int) -> Callable[[], float]:
    # benchmark_pairs checks every call, and with marks that no slot has two holders.
    return lambda: _core.slots.benchmark_pairs(allocator, threads, 600_000 // threads)


class _ListPool:
    """A free list, generations and a lock: the pool that a service writes for itself."""

    def __init__(self) -> None:
        self.rows = np.zeros((_SLOTS, _DIM), np.float32)
        self._free = list(range(_SLOTS))
        self._generations = [0] * _SLOTS
        self._lock = threading.Lock()

    def allocate(self) -> int:
        with self._lock:
            slot = self._free.pop()
            self._generations[slot] += 1
            return self._generations[slot] << 32 | slot

    def free(self, handle: int) -> None:
        slot, generation = handle & 0xFFFFFFFF, handle >> 32
        with self._lock:
            if self._generations[slot] != generation or not generation & 1:
                raise KeyError(handle)
            self._generations[slot] += 1
            self._free.append(slot)


def _python_pairs(options: Options) -> Result:
    def timer(pool: SlotPool | _ListPool) -> Callable[[], float]:
        def once() -> float:
            allocate, free = pool.allocate, pool.free
            numbers = range(_PAIRS)
            start = time.thread_time_ns()
            for _ in numbers:
                free(allocate())
            elapsed = time.thread_time_ns() - start
            handle = allocate()
            free(handle)
            try:
                free(handle)
            except KeyError:
                return elapsed / _PAIRS
            raise AssertionError("a double free was not caught")

        return once

    return compare(
        "slots",
        "pair/python",
        "CPU ns",
        timer(SlotPool(_DIM, capacity=_SLOTS)),
        {"list, generations, lock": ("replica", timer(_ListPool()))},
        rounds=options.rounds(25),
        seed=options.seed,
        checked=True,
    )


def _many(options: Options) -> Result:
    pool = SlotPool(_DIM, capacity=_SLOTS)

    def many() -> float:
        start = time.thread_time_ns()
        handles = pool.alloc_many(_SLOTS)
        elapsed = time.thread_time_ns() - start
        if len(np.unique(handles)) != _SLOTS or len(pool) != _SLOTS:
            raise AssertionError("alloc_many gave a slot twice")
        pool.free_many(handles)
        return elapsed / _SLOTS

    def singly() -> float:
        start = time.thread_time_ns()
        handles = [pool.allocate() for _ in range(_SLOTS)]
        elapsed = time.thread_time_ns() - start
        pool.free_many(handles)
        return elapsed / _SLOTS

    return compare(
        "slots",
        "alloc_many",
        "CPU ns a slot",
        many,
        {"allocate in a loop": ("peer", singly)},
        rounds=options.rounds(25),
        seed=options.seed,
        checked=True,
    )


def _fuzz(options: Options) -> Result:
    operations = 10**8 if options.large else 10**6 if options.quick else 10**7
    misuses, caught, errors = _core.slots.fuzz(operations, options.seed)
    if errors or not misuses:
        raise AssertionError(f"{errors} differences from the model")
    share = 100.0 * caught / misuses
    return Result(
        "slots", f"fuzz/operations={operations}/misuse-caught", "%", "higher",
        Measurement(share, share, share, 1), checked=True, hits=caught,
    )  # fmt: skip
