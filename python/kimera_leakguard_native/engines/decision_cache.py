"""Caches of decisions: bounded, truly least-recently-used, safe under threads."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from kimera_leakguard_native import _core
from kimera_leakguard_native.guardian.announcements import announce

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian

LRUCache = _core.cache.LRUCache


class CacheView(Mapping[Any, Any]):
    """The entries of a cache, live; looking at them is not a use."""

    __slots__ = ("_cache",)

    def __init__(self, cache: LRUCache) -> None:
        self._cache = cache

    def __getitem__(self, key: Any) -> Any:
        value = self._cache.peek(key, self)
        if value is self:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return key in self._cache

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cache.keys())

    def __len__(self) -> int:
        return len(self._cache)


class AccessOrder(Sequence[Any]):
    """The keys of a cache, live, least recently used first."""

    __slots__ = ("_cache",)

    def __init__(self, cache: LRUCache) -> None:
        self._cache = cache

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._cache.keys()[index]

    def __len__(self) -> int:
        return len(self._cache)


class LeakSafeDecisionCache(LRUCache):
    """A bounded cache in order of use.

    Parameters
    ----------
    max_size : int
        The most entries that are kept.
    ttl : float, optional
        Seconds after which an entry counts as absent.
    max_weight : int, optional
        Bound on the sum of the weights that ``put(key, value, weight=…)`` or `weigher` give.
    weigher : callable, optional
        Called ``(key, value)`` for a weight.
    on_evict : callable, optional
        Called ``(key, value, reason)`` when the cache drops an entry, ``"evicted"`` or
        ``"expired"``; what it raises goes to `sys.unraisablehook` and is counted.
    clock : callable, optional
        Gives seconds; the monotonic clock by default.
    """

    max_size: int
    hits: int
    misses: int
    _leak_guardian: KimeraMemoryLeakGuardian | None = None

    def __new__(
        cls,
        max_size: int = 10_000,
        *,
        ttl: float | None = None,
        max_weight: int | None = None,
        weigher: Callable[[Any, Any], int] | None = None,
        on_evict: Callable[[Any, Any, str], object] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> Self:
        """Make an empty cache; memory comes with the entries."""
        cache: Self = super().__new__(  # type: ignore[no-untyped-call]
            cls,
            max_size,
            ttl=ttl,
            max_weight=max_weight,
            weigher=weigher,
            on_evict=on_evict,
            clock=clock,
        )
        announce("decision_cache", cache)
        return cache

    @property
    def cache(self) -> CacheView:
        """The entries, without marking them used."""
        return CacheView(self)

    @property
    def access_order(self) -> AccessOrder:
        """The keys, least recently used first."""
        return AccessOrder(self)

    @property
    def hit_count(self) -> int:
        """Lookups that found their key."""
        return self.hits

    @property
    def miss_count(self) -> int:
        """Lookups that did not."""
        return self.misses

    @property
    def leak_guardian(self) -> KimeraMemoryLeakGuardian:
        """The guardian of the process, or the one that was assigned."""
        if self._leak_guardian is None:
            from kimera_leakguard_native.guardian.shared import get_memory_leak_guardian

            self._leak_guardian = get_memory_leak_guardian()
        return self._leak_guardian

    @leak_guardian.setter
    def leak_guardian(self, guardian: KimeraMemoryLeakGuardian) -> None:
        self._leak_guardian = guardian

    def cleanup_old_entries(self) -> int:
        """Remove what has outlived its time; give the number."""
        return self.expire()


@dataclass
class CachedDecision:
    """A decision and how long it is good for.

    Attributes
    ----------
    timestamp_ns, validity_duration_ns : int
        When it was cached, by `time.time_ns`, and for how many nanoseconds it is valid.
    """

    market_pattern_hash: str
    decision_type: str
    confidence: float
    position_size: float
    price_target: float
    stop_loss: float
    cognitive_reasoning: Any
    timestamp_ns: int
    validity_duration_ns: int


class CognitiveDecisionCache:
    """Decisions by the pattern of their market data.

    Parameters
    ----------
    max_cache_size : int
        The most decisions that are kept; the least recently used go first.
    """

    def __init__(self, max_cache_size: int = 10000) -> None:
        self._decisions = LRUCache(max_cache_size)  # type: ignore[no-untyped-call]
        self.max_cache_size = max_cache_size
        self.hit_count = 0
        self.miss_count = 0
        announce("decision_cache", self)

    @property
    def cache(self) -> CacheView:
        """The decisions by pattern hash."""
        return CacheView(self._decisions)

    def generate_market_pattern_hash(self, market_data: Mapping[str, Any]) -> str:
        """Hash price, volume, volatility and trend, each rounded to four decimals."""
        pattern = tuple(
            round(market_data.get(name, 0), 4)
            for name in ("price", "volume", "volatility", "trend")
        )
        return str(hash(pattern))

    def cache_decision(self, market_data: Mapping[str, Any], decision: CachedDecision) -> None:
        """Store a decision; its hash and time stamp are set."""
        decision.market_pattern_hash = self.generate_market_pattern_hash(market_data)
        decision.timestamp_ns = time.time_ns()
        self._decisions.put(decision.market_pattern_hash, decision)

    def get_cached_decision(self, market_data: Mapping[str, Any]) -> CachedDecision | None:
        """Give the decision for a pattern while it is valid; an outlived one is removed."""
        key = self.generate_market_pattern_hash(market_data)
        decision: CachedDecision | None = self._decisions.get(key)
        if decision is not None:
            if _valid(decision, time.time_ns()):
                self.hit_count += 1
                return decision
            # Another thread may have put a fresh one meanwhile: only the outlived one goes.
            if self._decisions.peek(key) is decision:
                self._decisions.pop(key)
        self.miss_count += 1
        return None

    def cleanup_old_entries(self) -> int:
        """Remove every decision that is no longer valid; give the number."""
        now = time.time_ns()
        removed = 0
        for key, decision in list(self.cache.items()):
            if not _valid(decision, now) and self._decisions.peek(key) is decision:
                self._decisions.pop(key)
                removed += 1
        return removed

    def get_cache_stats(self) -> dict[str, float]:
        """Count decisions, hits and misses; `cache_efficiency` is the hit rate in per cent."""
        total = self.hit_count + self.miss_count
        rate = self.hit_count / total if total else 0.0
        return {
            "cache_size": len(self._decisions),
            "hit_count": self.hit_count,
            "miss_count": self.miss_count,
            "hit_rate": rate,
            "cache_efficiency": 100.0 * rate,
        }


def _valid(decision: CachedDecision, now_ns: int) -> bool:
    return now_ns - decision.timestamp_ns < decision.validity_duration_ns
