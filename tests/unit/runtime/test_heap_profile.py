from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from kimera_leakguard_native.model.profile import StackTotals
from kimera_leakguard_native.runtime.heap_profile import ProfileBuilder

if TYPE_CHECKING:
    from kimera_leakguard_native.model.frame import Frame
    from kimera_leakguard_native.model.profile import HeapProfile

NAMES = [("a.py", "f"), ("a.py", "g"), ("b.py", "f")]


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[tuple[int, int, int]], list[StackTotals]]:
    calls = [
        (draw(st.integers(-1, number - 1)), draw(st.integers(0, 2)), draw(st.integers(1, 3)))
        for number in range(draw(st.integers(0, 12)))
    ]
    stacks = [
        StackTotals(draw(st.integers(-1, len(calls) - 1)), v, 2.0 * v, 3.0 * v, 4.0 * v)
        for v in draw(st.lists(st.integers(0, 100), max_size=10))
    ]
    return calls, stacks


Tree = tuple[list[tuple[int, int, int]], list[StackTotals]]


def path(calls: list[tuple[int, int, int]], call: int) -> tuple[tuple[str, str, int], ...]:
    found = []
    while call >= 0:
        call, name, line = calls[call]
        found.append((*NAMES[name], line))
    return tuple(found)


def by_path(profile: HeapProfile) -> dict[tuple[tuple[str, str, int], ...], StackTotals]:
    def key(frames: tuple[Frame, ...]) -> tuple[tuple[str, str, int], ...]:
        return tuple((each.file, each.function, each.line) for each in frames)

    found = {key(profile.frames(stack.call)): stack for stack in profile.stacks}
    assert len(found) == len(profile.stacks)
    return found


@given(trees(), trees())
def test_a_profile_holds_the_sum_of_each_stack_of_all_that_was_added(one: Tree, two: Tree) -> None:
    builder = ProfileBuilder()
    expected: dict[tuple[tuple[str, str, int], ...], float] = {}
    for calls, stacks in (one, two):
        builder.add(NAMES, calls, stacks)
        for stack in stacks:
            key = path(calls, stack.call)
            expected[key] = expected.get(key, 0) + stack.allocations
    profile = builder.build(1.0, 2.0)
    assert {k: stack.allocations for k, stack in by_path(profile).items()} == expected
    for stack in profile.stacks:
        assert stack.allocated_bytes == 2 * stack.allocations
        assert stack.live_objects == 3 * stack.allocations
        assert stack.live_bytes == 4 * stack.allocations
    for number, (caller, name, _) in enumerate(profile.calls):
        assert caller < number
        assert 0 <= name < len(profile.names)


@given(trees())
def test_a_profile_of_profiles_is_the_same(tree: Tree) -> None:
    builder, again = ProfileBuilder(), ProfileBuilder()
    builder.add(NAMES, *tree)
    once = builder.build(1.0, 2.0)
    again.add(once.names, once.calls, once.stacks)
    assert by_path(again.build(1.0, 2.0)) == by_path(once)
