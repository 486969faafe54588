"""The decision cache: hits, a mix with misses, puts that evict, and bytes an entry."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import random
import time
from collections import OrderedDict, deque
from functools import partial
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.bench import cache_memory
from kimera_leakguard_native.bench.harness import Options, Result, compare
from kimera_leakguard_native.engines.decision_cache import LeakSafeDecisionCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ENTRIES = 10_000
_CALLS = 20_000


class _SpecificationCache:
    """The specification's cache: order kept in a deque, so that a hit searches it."""

    def __init__(self) -> None:
        self.cache: dict[str, Any] = {}
        self.access_order: deque[str] = deque()

    def get(self, key: str) -> Any:
        if key in self.cache:
            self.access_order.remove(key)
            self.access_order.append(key)
            return self.cache[key]
        return None

    def put(self, key: str, value: Any) -> None:
        if len(self.cache) >= _ENTRIES:
            del self.cache[self.access_order.popleft()]
        self.cache[key] = value
        self.access_order.append(key)


class _OrderedCache:
    """What most services write."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, Any] = OrderedDict()

    def get(self, key: str) -> Any:
        try:
            self._entries.move_to_end(key)
        except KeyError:
            return None
        return self._entries[key]

    def put(self, key: str, value: Any) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > _ENTRIES:
            self._entries.popitem(last=False)


def _ours() -> tuple[Any, Any]:
    cache = LeakSafeDecisionCache(_ENTRIES)
    return cache.get, cache.put


def _ordered() -> tuple[Any, Any]:
    cache = _OrderedCache()
    return cache.get, cache.put


def _specification() -> tuple[Any, Any]:
    cache = _SpecificationCache()
    return cache.get, cache.put


def _plain() -> tuple[Any, Any]:
    entries: dict[str, Any] = {}
    return entries.get, entries.__setitem__


def _installed(module: str, name: str) -> tuple[Any, Any]:
    cache = getattr(importlib.import_module(module), name)(_ENTRIES)
    return cache.get, cache.__setitem__


def _functools() -> tuple[Any, Any]:
    # The nearest that it offers: a call looks up, and stores where it finds nothing.
    compute = functools.lru_cache(_ENTRIES)(lambda key: key)
    return compute, lambda key, _value: compute(key)


def _peers(options: Options) -> dict[str, tuple[str, Callable[[], tuple[Any, Any]]]]:
    peers: dict[str, tuple[str, Callable[[], tuple[Any, Any]]]] = {
        "OrderedDict": ("peer", _ordered)
    }
    if options.peers:
        for module, name in (("cachebox", "LRUCache"), ("cachetools", "LRUCache"), ("lru", "LRU")):
            if importlib.util.find_spec(module) is not None:
                peers[module] = ("peer", partial(_installed, module, name))
    return peers


def run(options: Options) -> Iterator[Result]:
    """Time 10,000 entries with str keys; the loop itself is included, as it is for every peer."""
    chance = random.Random(options.seed)
    resident = [f"decision:{number:08d}" for number in range(_ENTRIES)]
    hot = [resident[chance.randrange(_ENTRIES)] for _ in range(_CALLS)]
    peers = _peers(options)
    looked_up = {**peers, "functools.lru_cache": ("peer", _functools)}
    with_floor = {**looked_up, "dict": ("floor", _plain)}
    yield _case("hit", options, with_floor, partial(_hits, resident, hot))
    yield _case("mix", options, looked_up, partial(_mix, resident, hot))
    yield _case("put", options, peers, partial(_puts, resident))
    yield _beside_specification(options, resident, hot)
    yield cache_memory.run(options)


def _case(
    case: str,
    options: Options,
    others: dict[str, tuple[str, Callable[[], tuple[Any, Any]]]],
    timer: Callable[[Callable[[], tuple[Any, Any]]], Callable[[], float]],
) -> Result:
    return compare(
        "cache",
        case,
        "CPU ns",
        timer(_ours),
        {name: (role, timer(make)) for name, (role, make) in others.items()},
        rounds=options.rounds(15),
        seed=options.seed,
        checked=True,
    )


def _beside_specification(options: Options, resident: list[str], hot: list[str]) -> Result:
    """Compare look-ups; a hundredth of them is enough to time the slow one."""
    slow = _hits(resident, hot[: _CALLS // 100], _specification)
    return compare(
        "cache",
        "hit/specification",
        "CPU ns",
        _hits(resident, hot, _ours),
        {"specification": ("replica", slow)},
        rounds=options.rounds(9),
        seed=options.seed,
        checked=True,
    )


def _filled(make: Callable[[], tuple[Any, Any]], resident: list[str]) -> tuple[Any, Any]:
    get, put = make()
    for key in resident:
        put(key, key)
    return get, put


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)


def _hits(
    resident: list[str], keys: list[str], make: Callable[[], tuple[Any, Any]]
) -> Callable[[], float]:
    get, _ = _filled(make, resident)

    def once() -> float:
        for key in keys:  # what the others left in the processor's caches counts for nobody
            get(key)
        start = time.thread_time_ns()
        for key in keys:
            get(key)
        elapsed = time.thread_time_ns() - start
        _require(all(get(key) == key for key in keys), "a resident key was not found")
        return elapsed / len(keys)

    return once


def _mix(
    resident: list[str], hot: list[str], make: Callable[[], tuple[Any, Any]]
) -> Callable[[], float]:
    get, put = _filled(make, resident)
    fresh = iter(range(10**9))

    def once() -> float:
        keys = [key if k % 10 else f"new:{next(fresh)}" for k, key in enumerate(hot)]
        for key in keys:
            hash(key)
        start = time.thread_time_ns()
        for key in keys:
            if get(key) is None:
                put(key, key)
        elapsed = time.thread_time_ns() - start
        _require(get(keys[-1]) == keys[-1], "the newest key was not found")
        return elapsed / len(keys)

    return once


def _puts(resident: list[str], make: Callable[[], tuple[Any, Any]]) -> Callable[[], float]:
    get, put = _filled(make, resident)
    fresh = iter(range(10**9))

    def once() -> float:
        keys = [f"put:{next(fresh)}" for _ in range(_CALLS)]
        for key in keys:
            hash(key)
        start = time.thread_time_ns()
        for key in keys:
            put(key, key)
        elapsed = time.thread_time_ns() - start
        _require(get(keys[-1]) == keys[-1], "the newest key was not found")
        _require(get(keys[-_ENTRIES - 1]) is None, "the bound does not hold")
        _require(get(keys[-_ENTRIES + 1]) is not None, "more than the oldest was evicted")
        return elapsed / len(keys)

    return once
