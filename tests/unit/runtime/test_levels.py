"""Looks at what is alive: spaced with the run, bounded in number and in stacks."""

from kimera_leakguard_native.runtime.levels import MAX_STACKS, MAX_TIMES, Large, LevelHistory


def test_looks_are_spaced_with_the_run_and_bounded_over_a_week():
    history = LevelHistory()
    time, looks = 0.0, 0
    while time < 7 * 86_400:
        if history.due(time):
            history.add(time, 1.0, {})
            looks += 1
            assert history.levels[-1].time == time
        time += max(1.0, time / 500)
    assert len(history.levels) < MAX_TIMES
    assert looks < 400
    times = [level.time for level in history.levels]
    assert times == sorted(set(times))


def test_the_stacks_with_the_most_in_large_blocks_are_kept():
    history = LevelHistory()
    few = {1: Large(70_000, 50_000), 2: Large(30_000, 30_000)}
    history.add(1.0, 5.0, few)
    assert history.levels[0].large == few
    sizes = {stack: 20_000 + stack for stack in range(10 * MAX_STACKS)}
    history.add(3.0, 5.0, {stack: Large(size, size) for stack, size in sizes.items()})
    assert len(history.levels[1].large) == MAX_STACKS
    assert 10 * MAX_STACKS - 1 in history.levels[1].large
    assert [level.time for level in history.until(2.0)] == [1.0]
