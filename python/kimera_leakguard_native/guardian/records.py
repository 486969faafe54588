"""Allocations that outlive a block: recorded until released, or until their owner is collected."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from kimera_leakguard_native.errors import StaleHandle
from kimera_leakguard_native.runtime.registry import DROPPED, AllocationRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimera_leakguard_native.guardian.scopes import ScopeTracker


class _Record(NamedTuple):
    allocation_id: str
    scope: Any
    finalizer: weakref.finalize[Any, Any] | None


class RecordBook:
    """Records by handle and by id, each with its entry among what is active.

    Finalizers, ours and those of users' objects, run wherever the garbage collector happens to,
    also inside a method of this class. So the lock lets its own thread in again, and what comes in
    the middle of a change is queued: whoever is changing makes it afterwards, in order.
    """

    def __init__(self, registry: AllocationRegistry) -> None:
        self.registry = registry
        self._records: dict[int, _Record] = {}
        self._handles: dict[str, list[int]] = {}
        self._queue: deque[tuple[int, _Record | None]] = deque()  # None: to be released
        self._lock = threading.RLock()
        self._changing = False  # read and written under the lock

    def __len__(self) -> int:
        return len(self._records)

    def record(
        self,
        tracker: ScopeTracker,
        allocation_id: str,
        info: Mapping[str, Any] | None,
        owner: object | None,
    ) -> int:
        """Record an allocation; 0 where the registry's cap is reached."""
        scope: Any = tracker.track_allocation(allocation_id, info)
        known: Mapping[str, Any] = {} if info is None else info
        site = f"{known.get('function', 'unknown')}:{known.get('line', 0)}"
        size = known.get("size")
        handle = self.registry.record(
            self.registry.intern_site(site), size if isinstance(size, int) and size > 0 else 0
        )
        if handle == DROPPED:
            return DROPPED
        finalizer = None
        if owner is not None:
            try:
                finalizer = weakref.finalize(owner, _collected, weakref.ref(self), handle)
            except TypeError:
                self.registry.release(handle)
                raise TypeError(
                    f"owner: {type(owner).__name__} objects cannot be watched (no weak "
                    "references); release the handle yourself"
                ) from None
            finalizer.atexit = False  # nothing is left to account for when the process ends
        scope.__enter__()
        self._queue.append((handle, _Record(allocation_id, scope, finalizer)))
        self._settle()
        return handle

    def release(self, which: int | str) -> bool:
        """Release by handle, or the newest record of an id; False for a dropped handle.

        Raises
        ------
        StaleHandle
            The handle was released before, or the id has no record.
        """
        if which == DROPPED:
            return False
        with self._lock:
            if self._changing:  # from a finalizer, in the middle of a change
                handle = self._newest(which)
                if handle not in self._records and all(h != handle for h, _ in self._queue):
                    raise _stale(which)
                self._queue.append((handle, None))
                return True
            self._changing = True
            try:
                gone = self._apply_queue()
                record = self._take(self._newest(which))
            finally:
                self._changing = False
        self._settle()
        del gone
        if record is None:
            raise _stale(which)
        if record.finalizer is not None:
            record.finalizer.detach()
        return True

    def forget_collected(self, handle: int) -> None:
        """Release the record of an owner that is gone; called by its finalizer, from anywhere."""
        self._queue.append((handle, None))
        self._settle()

    def _settle(self) -> None:
        # Who may not change anything now leaves it to whoever does, who comes here afterwards.
        while self._queue and self._lock.acquire(blocking=False):
            try:
                if self._changing:
                    return
                self._changing = True
                try:
                    gone = self._apply_queue()
                finally:
                    self._changing = False
            finally:
                self._lock.release()
            del gone  # may run users' finalizers: not under the lock

    def _newest(self, which: int | str) -> int:
        return self._handles.get(which, [DROPPED])[-1] if isinstance(which, str) else which

    def _apply_queue(self) -> list[_Record | None]:
        gone = []
        while self._queue:
            handle, record = self._queue.popleft()
            if record is None:
                gone.append(self._take(handle))
            else:
                self._records[handle] = record
                self._handles.setdefault(record.allocation_id, []).append(handle)
        return gone

    def _take(self, handle: int) -> _Record | None:
        record = self._records.pop(handle, None)
        if record is None:
            return None
        handles = self._handles[record.allocation_id]
        handles.remove(handle)
        if not handles:
            del self._handles[record.allocation_id]
        self.registry.release(handle)
        record.scope.__exit__(None, None, None)
        return record


def _stale(which: int | str) -> StaleHandle:
    if isinstance(which, str):
        return StaleHandle(f"allocation {which!r}: no record of that id is live")
    return StaleHandle(f"handle {which}: released before, or never given out")


def _collected(book: weakref.ref[RecordBook], handle: int) -> None:
    alive = book()
    if alive is not None:
        alive.forget_collected(handle)
