"""What a component may offer; whatever it has of this is used, and nothing is required."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sized


@runtime_checkable
class HasPerformanceStats(Protocol):
    """Counts its work.

    Keys: ``avg_detection_time_ms`` beside ``total_detections``, or ``average_latency_us`` beside
    ``execution_count``; and ``used_bytes``.
    """

    def get_performance_stats(self) -> Mapping[str, Any]:
        """Give the counters."""


@runtime_checkable
class HasMemoryStats(Protocol):
    """Measures its memory, as pools do.

    Keys: ``used_bytes`` (else ``used_memory_gb``), ``used_slots``, ``total_memory_gb``, ``device``,
    ``committed_bytes``.
    """

    def get_memory_stats(self) -> Mapping[str, Any]:
        """Give the figures."""


@runtime_checkable
class HasAllocations(Protocol):
    """Records its allocations with a guardian and knows which of them live."""

    def allocation_usage(self) -> tuple[int, int]:
        """Give the number and the bytes of its live records."""


@runtime_checkable
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


@runtime_checkable
class HasDecisionCache(Protocol):
    """Owns a cache."""

    @property
    def decision_cache(self) -> HasCache:
        """The cache."""


@runtime_checkable
class HasFields(Protocol):
    """Holds fields, which nobody but their owner removes."""

    @property
    def field_count(self) -> int:
        """Number of fields."""


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
