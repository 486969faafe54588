"""The model of a caching allocator gives what was measured on the real one."""

from __future__ import annotations

import random

import pytest

from kimera_leakguard_native.bench.peers.caching_allocator import CachingAllocator


@pytest.mark.parametrize(("fields", "measured"), [(100, 10.14), (1000, 11.87)])
def test_appending_by_copies_reserves_what_the_specification_measured(
    fields: int, measured: float
) -> None:
    model = CachingAllocator()
    arrays: list = []
    for n in range(1, fields + 1):
        grown = [model.allocate(n * width) for width in (2048, 4, 4, 4, 4)]
        for array in arrays:
            model.free(array)
        arrays = grown
    assert round(model.reserved_bytes / model.allocated_bytes, 2) == measured


@pytest.mark.parametrize(
    ("size", "segment", "allocated"),
    [
        (1, 2 << 20, 512),
        (1 << 20, 2 << 20, 1 << 20),
        (2 << 20, 20 << 20, 2 << 20),
        (11 << 20, 12 << 20, 12 << 20),  # a rest of 1 MiB is not worth splitting off
    ],
)
def test_segments_have_the_documented_sizes(size: int, segment: int, allocated: int) -> None:
    model = CachingAllocator()
    block = model.allocate(size)
    assert (model.reserved_bytes, model.allocated_bytes) == (segment, allocated)
    model.free(block)
    assert (model.reserved_bytes, model.allocated_bytes) == (segment, 0)
    model.empty_cache()
    assert model.reserved_bytes == 0
    with pytest.raises(ValueError, match="free already"):
        model.free(block)


def test_neighbours_join_so_that_everything_can_be_given_back() -> None:
    chance = random.Random(3)
    model, live = CachingAllocator(), []
    for _ in range(5000):
        if chance.random() < 0.55 or not live:
            live.append(model.allocate(chance.choice((100, 3000, 40_000, 3_000_000))))
        else:
            model.free(live.pop(chance.randrange(len(live))))
        assert model.allocated_bytes <= model.reserved_bytes
    for block in live:
        model.free(block)
    model.empty_cache()
    assert (model.reserved_bytes, model.allocated_bytes) == (0, 0)
