"""A model of a caching allocator for device memory: what it reserves for what is in use.

The rules are those that the documentation of PyTorch's CUDA allocator states: sizes are rounded to
512 bytes; blocks of up to 1 MiB come from segments of 2 MiB, others from segments of 20 MiB, or of
their own size rounded to 2 MiB from 10 MiB on; the smallest free block that fits is split where the
rest is worth keeping; freed neighbours are joined; segments are kept until `empty_cache`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

_ROUND = 512
_SMALL = 1 << 20
_SMALL_SEGMENT = 2 << 20
_LARGE_SEGMENT = 20 << 20
_OWN_SEGMENT = 10 << 20


@dataclass(eq=False, slots=True)
class _Block:
    segment: int
    start: int
    size: int
    small: bool
    free: bool = True
    before: _Block | None = None
    after: _Block | None = None


class CachingAllocator:
    """Blocks of one device and one stream; no memory is behind them.

    Attributes
    ----------
    reserved_bytes, allocated_bytes : int
        In segments, and in blocks that are in use, rounding included.
    """

    def __init__(self) -> None:
        self.reserved_bytes = 0
        self.allocated_bytes = 0
        self._segments = 0
        # By size and then address, as (size, segment, start, block).
        self._free: dict[bool, list[tuple[int, int, int, _Block]]] = {True: [], False: []}

    def allocate(self, size: int) -> _Block:
        """Take a block of at least `size` bytes."""
        size = -(-max(size, 1) // _ROUND) * _ROUND
        small = size <= _SMALL
        free = self._free[small]
        at = bisect_left(free, (size,))
        block = free.pop(at)[3] if at < len(free) else self._new_segment(size, small)
        rest = block.size - size
        if rest >= _ROUND if small else rest > _SMALL:
            tail = _Block(block.segment, block.start + size, rest, small, True, block, block.after)
            if block.after is not None:
                block.after.before = tail
            block.after, block.size = tail, size
            self._put(tail)
        block.free = False
        self.allocated_bytes += block.size
        return block

    def free(self, block: _Block) -> None:
        """Give a block back to its pool, joined with free neighbours."""
        if block.free:
            raise ValueError("the block is free already")
        self.allocated_bytes -= block.size
        block.free = True
        if block.after is not None and block.after.free:
            self._take(block.after)
            self._absorb(block, block.after)
        if block.before is not None and block.before.free:
            before = block.before
            self._take(before)
            self._absorb(before, block)
            block = before
        self._put(block)

    def empty_cache(self) -> None:
        """Give segments back on which nothing is in use."""
        for small, free in self._free.items():
            kept = []
            for entry in free:
                block = entry[3]
                if block.before is None and block.after is None:
                    self.reserved_bytes -= block.size
                else:
                    kept.append(entry)
            self._free[small] = kept

    def _new_segment(self, size: int, small: bool) -> _Block:
        if small:
            bytes_ = _SMALL_SEGMENT
        elif size < _OWN_SEGMENT:
            bytes_ = _LARGE_SEGMENT
        else:
            bytes_ = -(-size // _SMALL_SEGMENT) * _SMALL_SEGMENT
        self.reserved_bytes += bytes_
        self._segments += 1
        return _Block(self._segments, 0, bytes_, small)

    def _put(self, block: _Block) -> None:
        insort(self._free[block.small], (block.size, block.segment, block.start, block))

    def _take(self, block: _Block) -> None:
        free = self._free[block.small]
        del free[bisect_left(free, (block.size, block.segment, block.start))]

    @staticmethod
    def _absorb(block: _Block, after: _Block) -> None:
        block.size += after.size
        block.after = after.after
        if after.after is not None:
            after.after.before = block
