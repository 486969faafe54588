"""Which tasks a returned future keeps, and that telling it of many costs as little as it should."""

import ast
import time

import pytest

from kimera_leakguard_native.analysis.awaited_futures import AwaitedFutures

KEPT = """
def run(loop):
    future = loop.create_future()
    async def wait_for(waited):
        await waited
        print('done')
    {start}
    return {returned}
"""
DIRECT = "loop.create_task(wait_for(future))"
BY_VARIABLE = "coroutine = wait_for(future); loop.create_task(coroutine)"


@pytest.mark.parametrize(
    ("start", "returned", "kept"),
    [
        (DIRECT, "future", True),
        (BY_VARIABLE, "future", True),
        (DIRECT, "None", False),
        ("loop.create_task(wait_for(loop.create_future()))", "future", False),
        ("loop.create_task(other(future))", "future", False),
        (f"coroutine = other(); {BY_VARIABLE}", "future", False),
    ],
)
def test_a_task_is_kept_by_the_future_that_it_awaits_and_its_function_returns(
    start, returned, kept
):
    assert AwaitedFutures(ast.parse(KEPT.format(start=start, returned=returned))).keep(7) is kept


def test_what_is_awaited_first_counts():
    source = KEPT.format(start=DIRECT, returned="future")
    later = source.replace("        await waited\n", "        print()\n        await waited\n")
    assert not AwaitedFutures(ast.parse(later)).keep(8)
    tried = source.replace(
        "        await waited\n",
        "        try:\n            await waited\n        finally:\n            pass\n",
    )
    assert AwaitedFutures(ast.parse(tried)).keep(10)


def test_a_line_outside_of_functions_keeps_nothing():
    assert not AwaitedFutures(ast.parse("import asyncio\nasyncio.create_task(f())\n")).keep(2)


def seconds(tasks):
    lines = "".join("    create_task(wait_for(future))\n" for _ in range(tasks))
    head = "def run():\n    async def wait_for(waited):\n        await waited\n"
    tree = ast.parse(f"{head}{lines}    return other\n")

    def once():
        started = time.process_time()
        futures = AwaitedFutures(tree)
        assert not any(futures.keep(line) for line in range(4, tasks + 4))
        return time.process_time() - started

    return min(once() for _ in range(3))


def test_the_cost_grows_with_the_number_of_tasks_and_not_with_its_square():
    assert seconds(1600) < 24 * seconds(200)  # the square would be 64
