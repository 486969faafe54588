"""Face of the native table of tracked blocks, and the mapping of what is active now."""

from __future__ import annotations

from collections.abc import ItemsView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native import _core
from kimera_leakguard_native.model.guardian import MemoryAllocation

if TYPE_CHECKING:
    from collections.abc import Iterator

ScopeTracker = _core.scopes.ScopeTracker


def _allocation(
    allocation_id: str, info: Mapping[str, Any] | None, timestamp: float
) -> MemoryAllocation:
    known: Mapping[str, Any] = {} if info is None else info
    get = known.get
    return MemoryAllocation(
        allocation_id=allocation_id,
        function_name=get("function", "unknown"),
        line_number=get("line", 0),
        allocation_type=get("type", "unknown"),
        size_bytes=get("size"),
        timestamp=timestamp,
        call_stack=list(get("call_stack") or ()),
    )


_core.scopes.set_allocation_class(MemoryAllocation, _allocation)


class ActiveAllocations(Mapping[str, MemoryAllocation]):
    """Live, read-only view of what is tracked now: open scopes and records that are not released.

    Other threads may enter and leave while it is read: iterating goes over the ids of the moment it
    began. Where equal ids are active together, the newest is the value of that id and the mapping
    counts the id once; `entries` gives them all.
    """

    __slots__ = ("_tracker",)

    def __init__(self, tracker: ScopeTracker) -> None:
        self._tracker = tracker

    def __getitem__(self, allocation_id: str) -> MemoryAllocation:
        found: MemoryAllocation | None = self._tracker.find_open(allocation_id)
        if found is None:
            raise KeyError(allocation_id)
        return found

    def __contains__(self, allocation_id: object) -> bool:
        return self._tracker.is_open(allocation_id)

    def __len__(self) -> int:
        return self._tracker.open_id_count

    def __iter__(self) -> Iterator[str]:
        return iter(self._tracker.open_ids())

    def items(self) -> ItemsView[str, MemoryAllocation]:
        """View the pairs; iterating goes over those of the moment it began."""
        return _Items(self)

    def values(self) -> ValuesView[MemoryAllocation]:
        """View the allocations; iterating goes over those of the moment it began."""
        return _Values(self)

    def entries(self) -> list[MemoryAllocation]:
        """Give every active allocation, oldest first, equal ids included."""
        return self._tracker.open_allocations()

    def newest(self) -> list[MemoryAllocation]:
        """Give one allocation an id, the newest, in the order of the ids."""
        return self._tracker.open_allocations(distinct=True)

    def __repr__(self) -> str:
        return f"ActiveAllocations({dict(self.items())!r})"


# The inherited views look every key up again, and the key may be gone by then.
class _Items(ItemsView[str, MemoryAllocation]):
    __slots__ = ()
    _mapping: ActiveAllocations

    def __iter__(self) -> Iterator[tuple[str, MemoryAllocation]]:
        return iter([(each.allocation_id, each) for each in self._mapping.newest()])


class _Values(ValuesView[MemoryAllocation]):
    __slots__ = ()
    _mapping: ActiveAllocations

    def __iter__(self) -> Iterator[MemoryAllocation]:
        return iter(self._mapping.newest())
