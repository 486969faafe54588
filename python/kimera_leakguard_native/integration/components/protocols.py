"""What a component may offer; whatever it has of this is used, and nothing is required."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sized


class HasPerformanceStats(Protocol):
    """Counts its work.

    Keys: ``avg_detection_time_ms`` beside ``total_detections``, or ``average_latency_us`` beside
    ``execution_count``; and ``used_bytes``.
    """

    def get_performance_stats(self) -> Mapping[str, Any]:
        """Give the counters."""


class HasMemoryStats(Protocol):
    """Measures its memory, as pools do.

    Keys: ``used_bytes`` (else ``used_memory_gb``), ``used_slots``, ``total_memory_gb``, ``device``,
    ``committed_bytes``.
    """

    def get_memory_stats(self) -> Mapping[str, Any]:
        """Give the figures."""


class HasAllocations(Protocol):
    """Records its allocations with a guardian and knows which of them live."""

    def allocation_usage(self) -> tuple[int, int]:
        """Give the number and the bytes of its live records."""


class HasCache(Protocol):
    """Is a cache, with its hits and misses."""

    @property
    def cache(self) -> Sized:
        """The entries."""

    @property
    def hit_count(self) -> int:
        """Lookups that found their key."""

    @property
    def miss_count(self) -> int:
        """Lookups that did not."""


class HasDecisionCache(Protocol):
    """Owns a cache."""

    @property
    def decision_cache(self) -> HasCache:
        """The cache."""


class HasFields(Protocol):
    """Holds fields, which nobody but their owner removes."""

    @property
    def field_count(self) -> int:
        """Number of fields."""


def offers(component: object, protocol: type) -> bool:
    """Say whether a component has all that a protocol of this module names.

    Its attributes are asked for, so that one that is made on demand counts in every interpreter;
    what a property raises comes through.
    """
    return all(hasattr(component, name) for name in _NAMES[protocol])


_NAMES: dict[type, list[str]] = {
    protocol: [name for name in vars(protocol) if not name.startswith("_")]
    for protocol in (
        HasPerformanceStats,
        HasMemoryStats,
        HasAllocations,
        HasCache,
        HasDecisionCache,
        HasFields,
    )
}

FREEING = ("optimize_memory_layout", "cleanup_old_entries", "compact")
"""Methods without arguments that give memory back, if a component offers them."""

ACCELERATING = ("optimize_performance",)
"""Methods without arguments that make a component faster."""


def offered(component: object, methods: tuple[str, ...]) -> list[str]:
    """Name those of the methods that a component offers, its cache's with ``decision_cache.``."""
    found = [name for name in methods if callable(getattr(component, name, None))]
    owned = getattr(component, "decision_cache", None)
    found += [f"decision_cache.{name}" for name in methods if callable(getattr(owned, name, None))]
    return found
