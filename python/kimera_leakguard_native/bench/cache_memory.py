"""Bytes that a cache adds to an entry: growth of a process of its own, which sees every kind."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.bench.harness import Measurement, Options, Other, Result
from kimera_leakguard_native.runtime.process import resident_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

_ENTRIES = 200_000
_PEERS = {"cachebox": "LRUCache", "cachetools": "LRUCache", "lru": "LRU"}


def run(options: Options) -> Result:
    """Fill each cache with 200,000 entries whose keys and values are there already."""
    names = ["OrderedDict", "functools.lru_cache", "dict"]
    if options.peers:
        names += [name for name in _PEERS if importlib.util.find_spec(name) is not None]
    ours = _measure("ours", options.rounds(5))
    others = {
        name: (_measure(name, options.rounds(5)), "floor" if name == "dict" else "peer")
        for name in names
    }
    return Result(
        "cache",
        f"bytes-an-entry/n={_ENTRIES}",
        "B",
        "lower",
        ours,
        {
            name: Other(role, figure.median, figure.median / ours.median)
            for name, (figure, role) in others.items()
        },
        checked=True,
    )


def _measure(name: str, runs: int) -> Measurement:
    return Measurement.of([_in_a_process(name) for _ in range(runs)])


def _in_a_process(name: str) -> float:
    command = [sys.executable, "-m", __name__, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _cache(name: str) -> tuple[Callable[[Any, Any], object], Callable[[], int]]:
    """Make a cache; give what puts into it and what counts its entries."""
    if name == "functools.lru_cache":
        from functools import lru_cache

        compute = lru_cache(_ENTRIES)(lambda key: key)
        return lambda key, _value: compute(key), lambda: compute.cache_info().currsize
    if name == "ours":
        from kimera_leakguard_native.engines.decision_cache import LeakSafeDecisionCache

        mine = LeakSafeDecisionCache(_ENTRIES)
        return mine.put, partial(len, mine)
    cache: Any
    if name == "dict":
        cache = {}
    elif name == "OrderedDict":
        from collections import OrderedDict

        cache = OrderedDict()
    else:
        cache = getattr(importlib.import_module(name), _PEERS[name])(_ENTRIES)
    return cache.__setitem__, partial(len, cache)


def _main(name: str) -> None:
    keys = [f"decision:{number:08d}" for number in range(_ENTRIES)]
    for key in keys:
        hash(key)
    put, count = _cache(name)
    before = resident_bytes()
    for key in keys:
        put(key, key)
    grown = resident_bytes() - before
    if count() != _ENTRIES:
        raise AssertionError("entries are missing")
    sys.stdout.write(f"{grown / _ENTRIES}\n")


if __name__ == "__main__":
    _main(sys.argv[1])
