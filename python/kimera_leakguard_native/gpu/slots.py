"""`SlotPool`: fixed-size rows that never move, behind handles that are checked.

The class is native; a call costs tens of nanoseconds. `stats()` gives

===================== ============================================================================
capacity              slots that the pool can grow to; only address space is reserved for them
live                  slots handed out and not freed
deferred              slots freed while a `row` or `view` of them lives: handed out after its end
pins                  live arrays that `row` gave
free_committed        slots ready without asking the system for memory
peak                  highest slot ever handed out + 1
allocations, releases calls that succeeded, a slot of a many-call counted as one
growths, shrinks      times that memory came and was given back
poison_violations     with ``poison=True``: rows that were written while they were free
row_bytes             bytes of a row; `padding_bytes` more lie between two rows
used_bytes            live · row_bytes
committed_bytes       memory that the rows have; `reserved_bytes` is the address space
metadata_bytes        memory of handles and free lists
utilization           used_bytes / committed_bytes
===================== ============================================================================

Each lease knows the line that took it: `holders()` says which lines hold the live slots, and so
does the error of a pool that has none left. That costs eight bytes a slot and some nanoseconds.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native import _core
from kimera_leakguard_native.model.sections import SECTIONS

if TYPE_CHECKING:
    from typing_extensions import Self


class SlotPool(_core.slots.SlotPool):
    """Rows of one shape and type in one reservation that grows without moving any of them.

    Parameters
    ----------
    dim : int
        Items a row.
    dtype : str or dtype
        A name as numpy has it, a numpy dtype or a torch dtype.
    capacity : int
        The most slots; up to 2**28. Only address space is reserved for it.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"cuda:N"``. On a device `row` and `view` give a `SlotView`, which
        speaks DLPack and ``__cuda_array_interface__`` and has ``shape``, ``dtype`` and ``device``;
        `clear`, `read` and `write` work on a row wherever it is; `allocate_for` and `free_after`
        follow the order of streams. Not verified on a GPU.
    alignment : int
        Rows start at multiples of this many bytes. By default they lie densely, so that `view` is
        C-contiguous.
    poison : bool
        Keep 0xff bytes (NaN) in free rows, and count in `stats` who writes there.
    name : str
        What messages call the pool.

    Raises
    ------
    SlotExhausted
        If the address space cannot be reserved.
    CudaUnavailable
        There is no such device, no driver, or no CUDA part in this build; it says which.
    """

    __slots__ = ("__weakref__",)

    dim: int
    dtype: str
    capacity: int
    device: str
    name: str

    def __new__(
        cls,
        dim: int,
        dtype: Any = "float32",
        capacity: int = 1 << 20,
        device: str = "cpu",
        *,
        alignment: int = 1,
        poison: bool = False,
        name: str = "",
    ) -> Self:
        """Reserve the pool."""
        pool: Self = super().__new__(  # type: ignore[no-untyped-call]
            cls, dim, dtype, capacity, device, alignment=alignment, poison=poison, name=name
        )
        with _lock:
            _pools.add(pool)
        return pool


def live_pools() -> list[SlotPool]:
    """Give the pools of the process."""
    with _lock:
        return list(_pools)


def describe_pools() -> list[dict[str, Any]]:
    """Describe the pools of the process in plain data, with the lines that hold their slots.

    Returns
    -------
    list of dict
        The most live bytes first, at most 100 pools of 20 lines. ``oldest_s`` is the age in seconds
        of the oldest lease of a line.
    """
    rows = []
    for pool in live_pools():
        stats, holders = pool.stats(), pool.holders()
        rows.append(
            {
                "name": pool.name,
                "device": pool.device,
                "dim": pool.dim,
                "dtype": pool.dtype,
                **{key: stats[key] for key in _DESCRIBED},
                "lines": len(holders),
                "holders": [
                    {
                        "file": file,
                        "line": line,
                        "function": function,
                        "slots": slots,
                        "oldest_s": age,
                    }
                    for file, line, function, slots, age in holders[:_MOST_LINES]
                ],
            }
        )
    return sorted(rows, key=lambda row: -row["used_bytes"])[:_MOST_POOLS]


_DESCRIBED = ("capacity", "live", "deferred", "used_bytes", "committed_bytes", "utilization")
_MOST_POOLS = 100
_MOST_LINES = 20
_lock = threading.Lock()
_pools: weakref.WeakSet[SlotPool] = weakref.WeakSet()
SECTIONS["slots"] = describe_pools
