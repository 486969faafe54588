"""The Python face of the registry, beside a plain dict as the model."""

from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimera_leakguard_native.errors import StaleHandle
from kimera_leakguard_native.runtime.registry import DROPPED, AllocationRegistry, clock_ns


def small(**limits: int) -> AllocationRegistry:
    return AllocationRegistry(
        **{"records": 64, "sites": 4, "stacks": 4, "frames": 16, "name_bytes": 64} | limits
    )


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("record"), st.integers(0, 2), st.integers(0, 2**40)),
            st.tuples(st.just("release"), st.integers(0, 200), st.just(0)),
        ),
        max_size=150,
    )
)
def test_agrees_with_a_dict(steps: list[tuple[str, int, int]]) -> None:
    registry = small()
    sites = [registry.intern_site(name) for name in "abc"]
    live: dict[int, tuple[int, int]] = {}
    gone: list[int] = []
    peak = dict.fromkeys(sites, 0)
    dropped = stale = 0
    for kind, number, size in steps:
        if kind == "record":
            handle = registry.record(sites[number], size)
            if len(live) == 64:
                assert handle == DROPPED
                dropped += 1
                continue
            assert handle not in live
            assert handle not in gone
            live[handle] = (sites[number], size)
            site = sites[number]
            peak[site] = max(peak[site], sum(s for where, s in live.values() if where == site))
        elif live and (number % 2 or not gone):
            handle = list(live)[number % len(live)]
            assert registry.release(handle) is True
            gone.append(handle)
            del live[handle]
        elif gone:
            with pytest.raises(StaleHandle):
                registry.release(gone[number % len(gone)])
            stale += 1
    assert {(r.handle, r.site, r.size) for r in registry.records()} == {
        (handle, site, size) for handle, (site, size) in live.items()
    }
    usage = {row.name: row for row in registry.usage()}
    for site, name in zip(sites, "abc", strict=True):
        mine = [size for where, size in live.values() if where == site]
        if name in usage:
            assert usage[name].live_count == len(mine)
            assert usage[name].live_bytes == sum(mine)
            assert usage[name].high_water_bytes == peak[site]
        else:
            assert not mine
    totals = registry.totals()
    assert (totals.dropped_records, totals.stale_releases) == (dropped, stale)
    assert totals.live_bytes == sum(size for _, size in live.values())


def test_a_record_over_the_cap_has_a_handle_that_does_nothing() -> None:
    registry = small(records=1)
    first = registry.record(0, 10)
    assert registry.record(0, 20) == DROPPED
    assert registry.release(DROPPED) is False
    assert registry.release(first) is True
    assert registry.totals().dropped_bytes == 20


def test_stale_handle_is_named_and_counted() -> None:
    registry = small()
    handle = registry.record(0, 1)
    registry.release(handle)
    with pytest.raises(StaleHandle, match=str(handle)):
        registry.release(handle)
    assert registry.find(handle) is None
    assert registry.totals().stale_releases == 1


def test_record_says_what_is_wrong_with_its_arguments() -> None:
    registry = small()
    with pytest.raises(OverflowError, match=r"size: expected 0 to 2\*\*64 - 1, got -1"):
        registry.record(0, -1)
    with pytest.raises(OverflowError, match="site: expected"):
        registry.record(2**40, 1)
    with pytest.raises(TypeError, match="size: expected an int, got str"):
        registry.record(0, "1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="got 1 arguments"):
        registry.record(0)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="records = 0"):
        small(records=0)
    assert registry.totals().total_count == 0


def test_subclass_that_forgot_init_is_an_error() -> None:
    class Forgetful(AllocationRegistry):
        def __init__(self) -> None:
            pass

    with pytest.raises(TypeError, match="__init__"):
        Forgetful().record(0, 1)


def test_stacks_and_sites_are_interned_once() -> None:
    registry = small()
    assert registry.intern_stack([1, 2, 3]) == registry.intern_stack((1, 2, 3))
    assert registry.stack_frames(registry.intern_stack([1, 2, 3])) == (1, 2, 3)
    assert registry.intern_stack([]) == 0
    site = registry.intern_site("größe.py:3")
    assert registry.site_name(site) == "größe.py:3"
    for name in "abc":
        registry.intern_site(name)
    assert registry.intern_site("over the cap") == 0
    assert registry.totals().dropped_sites == 1


def test_ages_come_from_the_registry_s_clock() -> None:
    registry = small()
    before = clock_ns()
    record = registry.find(registry.record(0, 1))
    assert record is not None
    assert before <= record.born_ns <= clock_ns()
    assert registry.usage()[0].oldest_age_s >= 0


def test_threads_lose_no_count() -> None:
    registry = AllocationRegistry()
    site = registry.intern_site("shared")

    def work() -> None:
        handles = [registry.record(site, 8) for _ in range(2_000)]
        for handle in handles[::2]:
            registry.release(handle)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (row,) = registry.usage()
    assert (row.total_count, row.live_count, row.live_bytes) == (8_000, 4_000, 32_000)


def test_child_of_a_fork_keeps_the_records() -> None:
    registry = small()
    handle = registry.record(0, 5)
    child = os.fork()
    if child == 0:
        right = registry.release(handle) and registry.totals().live_count == 0
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert registry.release(handle) is True
