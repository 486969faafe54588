"""`GPUMemoryPool`: leases of embedding slots by geoid, each with the line that took it.

The embeddings lie on a CUDA device where there is one, and in host memory elsewhere; `device` says
where. The metadata of a slot is always host memory.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import weakref
from collections import Counter
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.errors import (
    CudaUnavailable,
    DoubleFree,
    SlotExhausted,
    StaleHandle,
)
from kimera_leakguard_native.gpu.lease import Lease, MemorySlot, calling_line
from kimera_leakguard_native.gpu.ledger import track, untrack
from kimera_leakguard_native.gpu.slots import SlotPool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

METADATA = 64
"""Float32 numbers of metadata a slot."""

_GIB = 1 << 30
_HOLDERS_NAMED = 5
_DEFAULT_STREAM = 0
_COUNTERS = (
    "total_allocations",
    "total_deallocations",
    "peak_usage",
    "current_usage",
    "fragmentation_events",
    "avg_allocation_time_us",
)


class GPUMemoryPool:
    """Slots for embeddings; safe to use from several threads.

    Parameters
    ----------
    pool_size_gb : float
        Cap on the memory in GiB, metadata included; memory is committed as slots are used.
    embedding_dimension : int
        Numbers an embedding.
    max_concurrent_fields : int
        Cap on the slots.
    dtype : str or dtype
        As numpy or torch name it.
    device : str
        ``"cpu"``, ``"cuda"``, ``"cuda:N"``, or ``"auto"``: the first CUDA device, and host memory
        on a machine without one. Not verified on a GPU.

    Attributes
    ----------
    device : str
        Where the embeddings are: ``"cpu"`` or ``"cuda:N"``.
    total_slots : int
        What both caps allow.

    Raises
    ------
    ValueError
        A cap leaves no slot.
    CudaUnavailable
        A CUDA device is asked for by name that is not there; it says why.
    """

    def __init__(
        self,
        pool_size_gb: float = 20.0,
        embedding_dimension: int = 1024,
        max_concurrent_fields: int = 500_000,
        dtype: Any = "float16",
        *,
        device: str = "auto",
    ) -> None:
        self.logger = logging.getLogger(__name__)
        self.embedding_dimension = embedding_dimension
        self.max_concurrent_fields = max_concurrent_fields
        self.pool_size_gb = pool_size_gb
        probe = _probe(embedding_dimension, dtype, device)
        self.dtype: str = probe.dtype
        self._slot_bytes: int = probe.stats()["row_bytes"] + 4 * METADATA
        self.total_slots: int = min(
            max_concurrent_fields, int(pool_size_gb * _GIB) // self._slot_bytes
        )
        if self.total_slots < 1:
            raise ValueError(
                f"pool_size_gb={pool_size_gb}, max_concurrent_fields={max_concurrent_fields}: no "
                f"slot of {self._slot_bytes} bytes fits"
            )
        self.device = probe.device
        self._slots = SlotPool(
            embedding_dimension, dtype, self.total_slots, self.device, name="embeddings"
        )
        self._metadata = SlotPool(METADATA, "float32", self.total_slots, name="metadata")
        self._lock = threading.RLock()
        self._leases: dict[int, Lease] = {}
        self._by_geoid: dict[str, int] = {}
        self._seconds = 0.0
        self._layouts = 0

    @property
    def allocated_slots(self) -> dict[int, MemorySlot]:
        """The slots in use by handle, a copy."""
        with self._lock:
            return {handle: lease.slot for handle, lease in self._leases.items()}

    @property
    def geoid_to_slot(self) -> Mapping[str, int]:
        """Handles by geoid, live."""
        return MappingProxyType(self._by_geoid)

    @property
    def free_slots(self) -> int:
        """How many more leases there can be."""
        return self.total_slots - len(self._leases)

    @property
    def free_indices(self) -> list[int]:
        """The slots without a lease; the list is made when it is asked for, in their order."""
        with self._lock:
            leased = {lease.slot.index for lease in self._leases.values()}
        return [index for index in range(self.total_slots) if index not in leased]

    @property
    def allocation_stats(self) -> dict[str, Any]:
        """The counters among `get_memory_stats`."""
        stats = self.get_memory_stats()
        return {name: stats[name] for name in _COUNTERS}

    @contextmanager
    def allocate_field_slot(self, geoid_id: str) -> Iterator[int]:
        """Lease a slot for a block.

        Yields
        ------
        int
            The handle; its slot is zero at first, and released at the end of the block.

        Raises
        ------
        ValueError
            The geoid has a lease already.
        SlotExhausted
            There is no slot left; the message says which lines hold how many.
        """
        handle = self.lease(geoid_id)
        try:
            yield handle
        finally:
            with self._lock:
                if handle in self._leases:  # else it was released in the block, on purpose
                    self.release(handle)

    def lease(self, geoid_id: str, *, owner: Any = None) -> int:
        """Lease a slot until `release`; see `allocate_field_slot` for the rest.

        Parameters
        ----------
        owner : object, optional
            What the slot is for. Once it is gone nobody can use the lease any more, and
            `release_orphans` ends it. Kept by a weak reference.
        """
        start = time.perf_counter()
        reference = None if owner is None else weakref.ref(owner)
        with self._lock:
            if geoid_id in self._by_geoid:
                held = self._leases[self._by_geoid[geoid_id]].slot
                raise ValueError(f"geoid {geoid_id!r}: has a lease already, from {held.site}")
            try:
                handle = self._take()
            except SlotExhausted:
                raise SlotExhausted(self._holders(geoid_id)) from None
            try:
                self._slots.clear(handle)
                metadata = self._metadata.allocate()
            except BaseException:
                self._give(handle)
                raise
            self._metadata.clear(metadata)
            slot = MemorySlot(
                self._slots.index(handle),
                self._slot_bytes,
                time.time(),
                geoid_id,
                site=calling_line(sys._getframe(1)),  # noqa: SLF001 - the only way to the caller's line
            )
            address = self._slots.address(handle)
            self._leases[handle] = Lease(slot, metadata, address, reference)
            track(address, self._slot_bytes)
            self._by_geoid[geoid_id] = handle
            self._seconds += time.perf_counter() - start
        return handle

    def release(self, handle: int) -> None:
        """End a lease. A live array of the slot keeps it from being handed out again.

        Raises
        ------
        DoubleFree
            It was released before.
        ForeignHandle
            It is no handle of this pool.
        """
        with self._lock:
            lease = self._leases.pop(handle, None)
            if lease is None:
                self._give(handle)  # says what is wrong with it
                raise DoubleFree(f"handle {handle}: its lease has ended")
            del self._by_geoid[str(lease.slot.geoid_id)]
            untrack(lease.address)
            self._give(handle)
            self._metadata.free(lease.metadata)

    def release_orphans(self) -> int:
        """End every lease whose owner is gone; say how many."""
        with self._lock:
            orphans = [
                handle
                for handle, lease in self._leases.items()
                if lease.owner is not None and lease.owner() is None
            ]
            for handle in orphans:
                self.release(handle)
        return len(orphans)

    def get_embedding(self, handle: int) -> Any:
        """Give the embedding of a slot: shape (embedding_dimension,), no copy, writable.

        A numpy array; on a device an object that torch and CuPy take without a copy, by DLPack or
        ``__cuda_array_interface__``. `read_embedding` copies to host memory on both.

        Raises
        ------
        StaleHandle, ForeignHandle
            The lease has ended, or is not this pool's.
        """
        return self._slots.row(handle)

    def read_embedding(self, handle: int) -> Any:
        """Copy the embedding of a slot to a new numpy array; errors as above."""
        return self._slots.read(handle)

    def set_embedding(self, handle: int, embedding: Any) -> None:
        """Copy an embedding of shape (embedding_dimension,) in, converted to the pool's dtype.

        It comes from host memory; a torch tensor may lie on a device and is fetched from there.
        Copying from device to device is the framework's: ``torch.from_dlpack(row).copy_(tensor)``.

        Raises
        ------
        ValueError
            Another shape.
        StaleHandle, ForeignHandle
            The lease has ended, or is not this pool's.
        """
        if hasattr(embedding, "detach"):  # a torch tensor, without importing torch
            embedding = embedding.detach().cpu().numpy()
        shape = getattr(embedding, "shape", None) or (len(embedding),)
        if tuple(shape) != (self.embedding_dimension,):
            raise ValueError(
                f"handle {handle}: expected an embedding of shape "
                f"({self.embedding_dimension},), got {tuple(shape)}"
            )
        self._slots.write(handle, embedding)

    def get_metadata(self, handle: int) -> Any:
        """Give the metadata of a slot: float32 (64,), no copy, writable; errors as above."""
        with self._lock:
            lease = self._leases.get(handle)
            if lease is None:
                self._slots.index(handle)
                raise StaleHandle(f"handle {handle}: its lease has ended")
            return self._metadata.row(lease.metadata)

    def view(self) -> Any:
        """Give all embeddings, those of free slots too, as one array; see `SlotPool.view`."""
        return self._slots.view()

    def get_memory_stats(self) -> dict[str, Any]:
        """Measure the pool; sizes named ``_gb`` are GiB, others bytes.

        ``utilization_percent`` is the share of `total_slots`, ``memory_efficiency_percent`` that
        of the committed memory which holds leased rows, and ``fragmentation_ratio`` committed over
        used (1 for an empty pool).
        """
        with self._lock:
            slots, metadata, used = self._slots.stats(), self._metadata.stats(), len(self._leases)
        committed = slots["committed_bytes"] + metadata["committed_bytes"]
        used_bytes = used * self._slot_bytes
        return {
            "total_slots": self.total_slots,
            "used_slots": used,
            "free_slots": self.total_slots - used,
            "utilization_percent": 100.0 * used / self.total_slots,
            "used_memory_gb": used_bytes / _GIB,
            "total_memory_gb": self.total_slots * self._slot_bytes / _GIB,
            "memory_efficiency_percent": 100.0 * used_bytes / committed if committed else 100.0,
            "fragmentation_ratio": committed / used_bytes if used_bytes else 1.0,
            "total_allocations": slots["allocations"],
            "total_deallocations": slots["releases"],
            "peak_usage": slots["peak"],
            "current_usage": used,
            "fragmentation_events": self._layouts,
            "avg_allocation_time_us": 1e6 * self._seconds / max(1, slots["allocations"]),
            "used_bytes": used_bytes,
            "committed_bytes": committed,
            "reserved_bytes": slots["reserved_bytes"] + metadata["reserved_bytes"],
            "device": self.device,
        }

    def optimize_memory_layout(self) -> int:
        """Give whole free pages back to the system; say how many bytes.

        No live row moves or changes, and every handle stays valid.
        """
        freed = self._slots.shrink() + self._metadata.shrink()
        self._layouts += freed > 0
        return freed

    def leases_by_line(self) -> list[tuple[str, int, float]]:
        """Say which lines hold the slots.

        Returns
        -------
        list of (str, int, float)
            Site, number of leases, and age in seconds of the oldest; most leases first.
        """
        now = time.time()
        with self._lock:
            slots = [lease.slot for lease in self._leases.values()]
        counts = Counter(slot.site for slot in slots)
        oldest: dict[str, float] = {}
        for slot in slots:
            oldest[slot.site] = min(oldest.get(slot.site, now), slot.allocated_time)
        return [(site, count, now - oldest[site]) for site, count in counts.most_common()]

    # The default stream of a device comes behind all that its blocking streams have been given, so
    # that work which is queued on a row that was released is done before the row has a new lease.
    def _take(self) -> int:
        slots = self._slots
        return slots.allocate() if self.device == "cpu" else slots.allocate_for(_DEFAULT_STREAM)

    def _give(self, handle: int) -> None:
        if self.device == "cpu":
            self._slots.free(handle)
        else:
            self._slots.free_after(handle, _DEFAULT_STREAM)

    def _holders(self, geoid_id: str) -> str:
        lines = [
            f"{count} from {site}, the oldest for {age:.0f} s"
            for site, count, age in self.leases_by_line()[:_HOLDERS_NAMED]
        ]
        return (
            f"geoid {geoid_id!r}: all {self.total_slots} slots are leased: {'; '.join(lines)}. "
            "Release some, or raise max_concurrent_fields or pool_size_gb."
        )


def _probe(dimension: int, dtype: Any, device: str) -> SlotPool:
    """Make a pool of one slot, to learn what it really is."""
    if device != "auto":
        return SlotPool(dimension, dtype, capacity=1, device=device)
    try:
        return SlotPool(dimension, dtype, capacity=1, device="cuda")
    except CudaUnavailable:
        return SlotPool(dimension, dtype, capacity=1)
