"""
Fixed-size rows behind checked handles.
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
__all__: list[str] = ['SlotPool', 'SlotView', 'benchmark_allocators', 'benchmark_pairs', 'fuzz']
class SlotPool:
    """
    Fixed-size rows that never move, behind handles that are checked.
    """
    @staticmethod
    def __new__(type, *args, **kwargs):
        """
        Create and return a new object.  See help(type) for accurate signature.
        """
    def __len__(self):
        """
        Return len(self).
        """
    def __repr__(self):
        """
        Return repr(self).
        """
    def address(self, handle: typing.SupportsIndex) -> int:
        """
        Give where the row of a live handle is, in the memory of the pool's device.
        """
    def alloc_many(self, n: typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
        """
        Hand out n slots, or none and raise SlotExhausted.
        
        Gives their handles, an int64 array of shape (n,).
        """
    def allocate(self) -> int:
        """
        Hand out the lowest free slot and give its handle.
        
        Raises SlotExhausted where every slot is in use or the system has no memory.
        """
    def allocate_for(self, stream: typing.SupportsIndex) -> int:
        """
        Hand out a slot for work on a CUDA stream: at once one that the stream itself has freed.
        """
    def clear(self, handle: typing.SupportsIndex) -> None:
        """
        Set the row of a live handle to zeros; done when it returns, wherever the row is.
        """
    def free(self, handle: typing.SupportsIndex) -> None:
        """
        End the life of a handle.
        
        A slot with a live `row` is handed out again only when the last such row is gone. Raises
        DoubleFree for a handle freed before, ForeignHandle for one that is not this pool's.
        """
    def free_after(self, handle: typing.SupportsIndex, stream: typing.SupportsIndex) -> None:
        """
        Free a slot behind what a CUDA stream has been given so far; errors are those of `free`.
        """
    def free_many(self, handles: numpy.typing.NDArray[numpy.int64] | typing.Sequence[int]) -> None:
        """
        Free all the handles, or none if one of them is not live.
        
        Takes an int64 array of shape (n,) or a sequence of ints.
        """
    def holders(self) -> list[tuple[str, int, str, int, float]]:
        """
        Say which lines hold the live slots, most slots first.
        
        Each is (file, line, function, slots, age in seconds of the oldest); the file is empty where
        the interpreter's frames cannot be read.
        """
    def index(self, handle: typing.SupportsIndex) -> int:
        """
        Give the row of `view` that a live handle stands for.
        """
    def is_live(self, handle: typing.SupportsIndex) -> bool:
        """
        Say whether a handle is live in this pool.
        """
    def live_handles(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        Give the handles of all live slots, by slot: int64 (n,).
        """
    def occupancy(self) -> numpy.typing.NDArray[numpy.bool_]:
        """
        Say which rows of `view` are live: a bool array (rows,).
        """
    def read(self, handle: typing.SupportsIndex) -> numpy.typing.NDArray[typing.Any]:
        """
        Copy the row of a live handle to a new array (dim,) in host memory.
        """
    def row(self, handle: typing.SupportsIndex, *, stream: int | None = None) -> typing.Any:
        """
        Give the row of a live handle as an array (dim,), without a copy.
        
        While the array lives its slot is not handed out again, even if it is freed. A numpy array; on
        a device a `SlotView`, which torch and CuPy take. `stream` is the CUDA stream that the row was
        last worked on: whoever takes it is made to wait for that.
        """
    def shrink(self) -> int:
        """
        Give every page back on which only free slots lie; say how many bytes.
        
        Live rows are not touched and handles stay valid.
        """
    def stats(self) -> dict[str, typing.Any]:
        """
        Count slots and bytes; see `kimera_leakguard_native.gpu.slots`.
        """
    def view(self, *, stream: int | None = None) -> typing.Any:
        """
        Give the rows that have memory as one array (rows, dim), without a copy.
        
        Row `index(handle)` is that of a handle; `occupancy` tells live rows from free ones.
        While the array lives, or any made from it, no slot that was live is handed out again
        when it is freed: take it for a computation and let it go. It does not grow with the pool.
        A numpy array, on a device a `SlotView`; `stream` as for `row`.
        """
    def write(self, handle: typing.SupportsIndex, values: numpy.typing.ArrayLike) -> None:
        """
        Copy values of shape (dim,), converted to the pool's dtype, to the row of a live handle.
        
        Done when it returns, wherever the row is.
        """
class SlotView:
    """
    Memory under an array of a SlotPool.
    """
    def __dlpack__(self, *, stream: int | None = None, max_version: tuple[int, int] | None = None, dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> typing.Any:
        """
        Give the rows as a capsule, which keeps them; the consumer's stream waits for that of `row`.
        """
    def __dlpack_device__(self) -> tuple[int, int]:
        """
        Give DLPack's type and number of the device.
        """
    def __repr__(self):
        """
        Return repr(self).
        """
def benchmark_allocators() -> list[str]:
    """
    Names for `benchmark_pairs`: 'arena' and every peer that this build and machine have.
    """
def benchmark_pairs(allocator: str, threads: typing.SupportsInt | typing.SupportsIndex, pairs: typing.SupportsInt | typing.SupportsIndex) -> float:
    """
    CPU nanoseconds a pair of free and allocate, on pinned threads that hold 64 slots each.
    
    The allocator is one of `benchmark_allocators`.
    """
def fuzz(operations: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex) -> tuple[int, int, int]:
    """
    Random operations beside a model: misuses of dead handles, how many were caught, errors.
    """
