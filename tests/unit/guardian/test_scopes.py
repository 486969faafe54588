"""Tracked blocks: who sees what, when, and from where."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import gc
import pickle
import threading
import time
import weakref
from contextlib import ExitStack
from typing import Any

import pytest

from kimera_leakguard_native.guardian.scopes import ActiveAllocations, ScopeTracker
from kimera_leakguard_native.model.guardian import MemoryAllocation

INFO = {"function": "add_geoid", "line": 7, "type": "cognitive_field", "size": 4096}


@pytest.fixture
def tracker() -> ScopeTracker:
    return ScopeTracker()


@pytest.fixture
def active(tracker: ScopeTracker) -> ActiveAllocations:
    return ActiveAllocations(tracker)


def in_thread(call: Any) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    return results[0]


def test_another_thread_sees_the_entry_inside_the_block_only(
    tracker: ScopeTracker, active: ActiveAllocations
) -> None:
    before = time.time()
    with tracker.track_allocation("geoid_1", INFO):
        seen = in_thread(lambda: active["geoid_1"])
        assert in_thread(lambda: list(active)) == ["geoid_1"]
    assert before <= seen.timestamp <= time.time()
    assert dataclasses.replace(seen, timestamp=0) == MemoryAllocation(
        "geoid_1", "add_geoid", 7, "cognitive_field", 4096, 0, []
    )
    assert "geoid_1" not in active
    assert len(active) == 0
    with pytest.raises(KeyError):
        active["geoid_1"]


def test_defaults_are_those_of_the_contract(tracker: ScopeTracker) -> None:
    for info in (None, {}):
        with tracker.track_allocation("x", info) as allocation:
            assert (allocation.function_name, allocation.line_number) == ("unknown", 0)
            assert allocation.allocation_type == "unknown"
            assert allocation.size_bytes is None
            assert allocation.call_stack == []
            assert allocation.escape_status == "unknown"
    with tracker.track_allocation("x") as allocation:
        assert allocation.allocation_id == "x"
    with tracker.track_allocation(allocation_info=INFO, allocation_id="named") as allocation:
        assert allocation.size_bytes == 4096


def test_what_the_block_sees_is_a_memory_allocation(
    tracker: ScopeTracker, active: ActiveAllocations
) -> None:
    with tracker.track_allocation("x", INFO) as allocation:
        assert isinstance(allocation, MemoryAllocation)
        assert allocation == active["x"]
        assert allocation != active["x"].allocation_id
        assert repr(allocation) == repr(active["x"])
        allocation.escape_status = "escaped"
        assert active["x"].escape_status == "escaped"
        assert dataclasses.asdict(allocation)["size_bytes"] == 4096
        assert next(f.name for f in dataclasses.fields(allocation)) == "allocation_id"
        for copied in (copy.copy(allocation), pickle.loads(pickle.dumps(allocation))):
            assert type(copied) is MemoryAllocation
            assert copied == allocation
        with pytest.raises(AttributeError):
            allocation.no_such_field  # noqa: B018
        with pytest.raises(TypeError):
            hash(allocation)
    assert allocation.function_name == "add_geoid"


def test_equal_ids_do_not_delete_each_other(
    tracker: ScopeTracker, active: ActiveAllocations
) -> None:
    outer = tracker.track_allocation("same", {"size": 1})
    inner = tracker.track_allocation("sa" + "me"[:], {"size": 2})
    with outer:
        with inner:
            assert active["same"].size_bytes == 2
            assert len(active) == 1
            assert list(active) == ["same"]
            assert tracker.open_scope_count == 2
            assert [entry.size_bytes for entry in active.entries()] == [1, 2]
        assert active["same"].size_bytes == 1
    assert len(active) == 0
    # And in the other order, as threads do it.
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert active["same"].size_bytes == 2
    inner.__exit__(None, None, None)
    assert dict(active.items()) == {}


def test_exceptions_of_the_block_are_never_hidden(
    tracker: ScopeTracker, active: ActiveAllocations
) -> None:
    for error in (ValueError("theirs"), KeyboardInterrupt(), GeneratorExit()):
        with (
            pytest.raises(type(error)) as caught,
            tracker.track_allocation("x", INFO),
        ):
            raise error
        assert caught.value is error
        assert len(active) == 0


def test_a_scope_may_be_entered_again(tracker: ScopeTracker, active: ActiveAllocations) -> None:
    scope = tracker.track_allocation("x", INFO)
    with scope as first:
        with scope:
            assert tracker.open_scope_count == 1
        assert "x" in active
        entered = first.timestamp
    assert "x" not in active
    with scope as second:
        assert "x" in active
        assert second.timestamp >= entered
    assert tracker.entered_scope_total == 2


def test_leaving_twice_or_without_entering_does_nothing(
    tracker: ScopeTracker, active: ActiveAllocations
) -> None:
    scope = tracker.track_allocation("x", INFO)
    scope.__exit__(None, None, None)
    with scope:
        pass
    scope.__exit__(None, None, None)
    assert len(active) == 0
    with scope:
        assert len(active) == 1


def test_enter_and_exit_on_different_threads(
    tracker: ScopeTracker, active: ActiveAllocations
) -> None:
    scope = tracker.track_allocation("x", INFO)
    in_thread(scope.__enter__)
    assert "x" in active
    in_thread(lambda: scope.__exit__(None, None, None))
    assert "x" not in active


def test_tasks_interleave(tracker: ScopeTracker, active: ActiveAllocations) -> None:
    most = 0

    async def task(number: int) -> None:
        nonlocal most
        with tracker.track_allocation(f"task_{number}", INFO):
            most = max(most, len(active))
            await asyncio.sleep(0.001 * (number % 3))
            assert f"task_{number}" in active

    async def main() -> None:
        await asyncio.gather(*(task(number) for number in range(50)))

    asyncio.run(main())
    assert most == 50
    assert len(active) == 0


def test_readers_survive_threads_that_come_and_go(
    tracker: ScopeTracker, active: ActiveAllocations
) -> None:
    stop = threading.Event()
    failures: list[BaseException] = []

    def churn(name: str) -> None:
        while not stop.is_set():
            with tracker.track_allocation(name, INFO), tracker.track_allocation("shared", INFO):
                pass

    def read() -> None:
        try:
            for _ in range(300):
                for key, value in active.items():
                    assert value.allocation_id == key
                assert len(list(active)) <= 5
                assert all(each.size_bytes == 4096 for each in active.values())
                active.get("shared")
        except BaseException as error:  # noqa: BLE001 - reported by the test's own thread
            failures.append(error)

    workers = [threading.Thread(target=churn, args=(f"worker_{k}",)) for k in range(4)]
    reader = threading.Thread(target=read)
    for thread in (*workers, reader):
        thread.start()
    reader.join()
    stop.set()
    for thread in workers:
        thread.join()
    assert not failures
    assert len(active) == 0
    assert tracker.open_scope_count == 0


def test_many_open_scopes_are_all_found(tracker: ScopeTracker, active: ActiveAllocations) -> None:
    scopes = [tracker.track_allocation(f"id_{k % 700}", {"size": k}) for k in range(1_000)]
    for scope in scopes:
        scope.__enter__()
    assert tracker.open_scope_count == 1_000
    assert len(active) == len(list(active)) == len(active.items()) == 700
    for k in range(700):
        assert active[f"id_{k}"].size_bytes == (k + 700 if k < 300 else k)
    for scope in scopes[::-1]:
        scope.__exit__(None, None, None)
    assert active == {}


def test_an_open_scope_that_is_dropped_leaves_the_table(
    tracker: ScopeTracker, active: ActiveAllocations
) -> None:
    scope: Any = tracker.track_allocation("x", INFO)
    scope.__enter__()
    del scope
    assert len(active) == 0


def test_a_cycle_through_the_info_is_collected(active: ActiveAllocations) -> None:
    class Tracker(ScopeTracker):
        pass

    tracker = Tracker()
    info: dict[str, Any] = {}
    info["scope"] = tracker.track_allocation("x", info)
    info["scope"].__enter__()
    gone = weakref.ref(tracker)
    del tracker, info
    gc.collect()
    assert gone() is None


def test_a_scope_keeps_its_tracker(tracker: ScopeTracker) -> None:
    scope = ScopeTracker().track_allocation("x", INFO)
    gc.collect()
    with scope as allocation:
        assert allocation.allocation_id == "x"


def test_disabled_tracking_still_gives_an_allocation(
    tracker: ScopeTracker, active: ActiveAllocations
) -> None:
    tracker.tracking_enabled = False
    with tracker.track_allocation("x", INFO) as allocation:
        assert len(active) == 0
        assert allocation.size_bytes == 4096
    assert tracker.entered_scope_total == 0


def test_ids_are_text(tracker: ScopeTracker, active: ActiveAllocations) -> None:
    class Odd(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("must not be called")

        __hash__ = str.__hash__

    with tracker.track_allocation(Odd("odd"), INFO), tracker.track_allocation("größe", INFO):
        assert "odd" in active
        assert Odd("odd") in active
        assert "größe" in active
        assert "grosse" not in active
        assert 5 not in active
    with pytest.raises(TypeError, match="allocation_id: expected str, got int"):
        tracker.track_allocation(5, INFO)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="allocation_info: expected a mapping, got list"):
        tracker.track_allocation("x", [])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="missing argument"):
        tracker.track_allocation()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="more than one value"):
        tracker.track_allocation("x", allocation_id="y")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected argument 'info'"):
        tracker.track_allocation("x", info={})  # type: ignore[call-arg]


def test_no_reference_is_lost_or_kept(tracker: ScopeTracker) -> None:
    import sys

    info = dict(INFO)
    name = "an id of its own"
    counts = (sys.getrefcount(info), sys.getrefcount(name), sys.getrefcount(tracker))
    for _ in range(100):
        with tracker.track_allocation(name, info) as allocation:
            allocation.size_bytes  # noqa: B018
    del allocation
    assert counts == (sys.getrefcount(info), sys.getrefcount(name), sys.getrefcount(tracker))


def test_the_type_has_plain_methods_and_a_wrong_call_is_refused(
    tracker: ScopeTracker, active: ActiveAllocations
) -> None:
    scope: Any = tracker.track_allocation("x", INFO)
    kind: Any = type(scope)
    assert kind.__enter__(scope) is scope
    assert "x" in active
    assert kind.__exit__(scope, None, None, None) is None
    assert "x" not in active
    with ExitStack() as stack:
        assert stack.enter_context(scope) is scope
        assert "x" in active
    assert "x" not in active
    with pytest.raises(TypeError, match="left with three, got 1"):
        scope.__exit__(None)
    with pytest.raises(TypeError, match="takes no arguments"):
        kind.__enter__(scope, 1)
