"""The registry and the tracked block: pairs of record and release, scopes, snapshots."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native import _core
from kimera_leakguard_native.bench.harness import Options, Result, compare
from kimera_leakguard_native.guardian.scopes import ActiveAllocations, ScopeTracker
from kimera_leakguard_native.runtime.registry import AllocationRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIZE = 64
_TRIALS = 20
_TRIAL_PAIRS = 50_000


def run(options: Options) -> Iterator[Result]:
    """Time each case; every timer checks what it timed against the registry's own counts."""
    yield from _native_pairs(options)
    yield _python_pairs(options)
    yield _scope(options)
    yield _snapshot(options)
    yield _longest_lock(options)


def _native_pairs(options: Options) -> Iterator[Result]:
    one = _pairs_timer(1)
    yield compare(
        "registry",
        "record-release/threads=1",
        "M pairs/s",
        one,
        {},
        rounds=options.rounds(9),
        better="higher",
        seed=options.seed,
        checked=True,
    )
    for case, same_site in (("threads=2", False), ("threads=2/one-site", True)):
        yield compare(
            "registry",
            f"record-release/{case}",
            "M pairs/s",
            _pairs_timer(2, same_site=same_site),
            {"one thread": ("peer", one)},
            rounds=options.rounds(9),
            better="higher",
            seed=options.seed,
            checked=True,
        )


def _pairs_timer(threads: int, *, same_site: bool = False) -> Callable[[], float]:
    def once() -> float:
        # Each trial fits into one time slice, and the best of a round is kept: two threads can only
        # be compared with one where both had their cores to themselves.
        return max(_pairs_a_second(threads, same_site=same_site) for _ in range(_TRIALS)) / 1e6

    return once


def _pairs_a_second(threads: int, *, same_site: bool) -> float:
    times = _core.registry.benchmark_pairs(threads, _TRIAL_PAIRS, same_site=same_site)
    counted = times.totals
    _require(counted.total_count == threads * _TRIAL_PAIRS, "a record was not counted")
    _require(counted.total_bytes == threads * _TRIAL_PAIRS * _SIZE, "a sum of bytes is wrong")
    _require(counted.live_count == 0, f"{counted.live_count} records left")
    _require(counted.dropped_records + counted.stale_releases == 0, "records were refused")
    return float(threads * _TRIAL_PAIRS / times.wall_s)


def _python_pairs(options: Options) -> Result:
    loops = 5_000 if options.quick else 20_000
    registry = AllocationRegistry()
    site = registry.intern_site("bench")

    def ours() -> float:
        before = registry.totals().total_count
        record, release = registry.record, registry.release
        start = time.thread_time_ns()
        for _ in range(loops):
            release(record(site, _SIZE))
        elapsed = time.thread_time_ns() - start
        after = registry.totals()
        _require(after.total_count - before == loops, "a record was not counted")
        _require(after.live_count == 0, f"{after.live_count} records left")
        return elapsed / loops

    return compare(
        "registry",
        "record-release/python",
        "ns",
        ours,
        {"dict + lock + clock": ("replica", _replica_pairs(loops))},
        rounds=options.rounds(15),
        seed=options.seed,
        checked=True,
    )


def _replica_pairs(loops: int) -> Callable[[], float]:
    table: dict[int, dict[str, Any]] = {}
    lock = threading.Lock()
    last = 0

    def record(site: str, size: int) -> int:
        nonlocal last
        with lock:
            last += 1
            table[last] = {"site": site, "size": size, "time": time.time()}
            return last

    def release(handle: int) -> None:
        with lock:
            del table[handle]

    def once() -> float:
        before = last
        start = time.thread_time_ns()
        for _ in range(loops):
            release(record("bench", _SIZE))
        elapsed = time.thread_time_ns() - start
        _require(last - before == loops and not table, "the replica lost count")
        return elapsed / loops

    return once


def _scope(options: Options) -> Result:
    loops = 5_000 if options.quick else 20_000
    tracker = ScopeTracker()
    active = ActiveAllocations(tracker)
    replica, generator, table = _replica_scopes()

    def ours() -> float:
        before = tracker.entered_scope_total
        elapsed = _time_blocks(tracker.track_allocation, loops)
        _require(tracker.entered_scope_total - before == loops, "a scope was not entered")
        _require(len(active) == 0, f"{len(active)} scopes left")
        _require_visible(tracker.track_allocation, active)
        return elapsed

    def theirs(track: Callable[[str, dict[str, Any]], Any]) -> Callable[[], float]:
        def once() -> float:
            elapsed = _time_blocks(track, loops)
            _require(not table, f"{len(table)} entries left")
            _require_visible(track, table)
            return elapsed

        return once

    return compare(
        "registry",
        "scope",
        "ns",
        ours,
        {
            "dict + lock + clock class": ("replica", theirs(replica)),
            "dict + lock + clock @contextmanager": ("replica", theirs(generator)),
            "threading.Lock, which does nothing else": ("peer", lambda: _time_lock(loops)),
        },
        rounds=options.rounds(15),
        seed=options.seed,
        checked=True,
    )


def _time_blocks(track: Callable[[str, dict[str, Any]], Any], loops: int) -> float:
    allocation_id = "geoid_42"
    info = {"function": "add_geoid", "type": "cognitive_field", "size": 4096}
    start = time.thread_time_ns()
    for _ in range(loops):
        with track(allocation_id, info):
            pass
    return (time.thread_time_ns() - start) / loops


def _time_lock(loops: int) -> float:
    lock = threading.Lock()
    start = time.thread_time_ns()
    for _ in range(loops):
        with lock:
            pass
    return (time.thread_time_ns() - start) / loops


def _replica_scopes() -> tuple[Any, Any, dict[str, Any]]:
    table: dict[str, Any] = {}
    lock = threading.Lock()

    class Scope:
        __slots__ = ("allocation_id", "info")

        def __init__(self, allocation_id: str, info: dict[str, Any]) -> None:
            self.allocation_id = allocation_id
            self.info = info

        def __enter__(self) -> dict[str, Any]:
            entry = {"info": self.info, "timestamp": time.time()}
            with lock:
                table[self.allocation_id] = entry
            return entry

        def __exit__(self, *exception: object) -> None:
            with lock:
                table.pop(self.allocation_id, None)

    @contextmanager
    def scope(allocation_id: str, info: dict[str, Any]) -> Iterator[dict[str, Any]]:
        entry = {"info": info, "timestamp": time.time()}
        with lock:
            table[allocation_id] = entry
        try:
            yield entry
        finally:
            with lock:
                table.pop(allocation_id, None)

    return Scope, scope, table


def _require_visible(track: Callable[[str, dict[str, Any]], Any], active: Any) -> None:
    """See an entry from another thread inside the block, and no longer after it."""
    seen: list[bool] = []
    looker = threading.Thread(target=lambda: seen.append("visible" in active))
    with track("visible", {}):
        looker.start()
        looker.join()
    _require(seen == [True], "another thread did not see the entry")
    _require("visible" not in active, "the entry outlived its block")


def _snapshot(options: Options) -> Result:
    records = 10_000
    registry = AllocationRegistry()
    site = registry.intern_site("bench")
    handles = {registry.record(site, size) for size in range(records)}

    def ours() -> float:
        start = time.thread_time_ns()
        rows = registry.snapshot()
        elapsed = time.thread_time_ns() - start
        _require({row[0] for row in rows} == handles, "the snapshot is not what was recorded")
        _require(sum(row[3] for row in rows) == sum(range(records)), "a size is wrong")
        return elapsed / 1e6

    return compare(
        "registry",
        f"snapshot/n={records}",
        "ms",
        ours,
        {},
        rounds=options.rounds(15),
        seed=options.seed,
        checked=True,
        hits=len(handles),
    )


def _longest_lock(options: Options) -> Result:
    """Bound how long a look holds a lock: it takes one for a chunk of 1,024 records at a time.

    A whole look at the statistics of a table of one chunk takes longer than holding the lock.
    """
    records = 1024
    registry = AllocationRegistry(shards=1)
    site = registry.intern_site("bench")
    for size in range(records):
        registry.record(site, size)

    def ours() -> float:
        start = time.thread_time_ns()
        sites = registry.sites()
        elapsed = time.thread_time_ns() - start
        _require([one.live_count for one in sites] == [records], "the chunk was not seen")
        return elapsed / 1e3

    return compare(
        "registry",
        f"longest-lock/chunk={records}",
        "us",
        ours,
        {},
        rounds=options.rounds(60),
        seed=options.seed,
        checked=True,
        hits=records,
    )


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(f"registry bench: {what}")
