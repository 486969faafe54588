"""Results in order, a bound on what is in flight, and cancelled leftovers."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kimera_leakguard_native.executors.ordered_map import ordered_map


def test_results_come_in_order_whatever_finishes_first() -> None:
    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    with ThreadPoolExecutor(4) as executor:
        found = list(ordered_map(executor, work, ((k,) for k in range(40)), in_flight=7))
    assert found == [k * k for k in range(40)]


def test_no_more_calls_are_in_flight_than_asked_for() -> None:
    taken = 0

    def calls():
        nonlocal taken
        for number in range(100):
            taken += 1
            yield (number,)

    with ThreadPoolExecutor(1) as executor:
        results = ordered_map(executor, int, calls(), in_flight=5)
        for given in range(20):
            assert next(results) == given
            assert taken <= given + 5
        results.close()


def test_an_error_cancels_what_has_not_started() -> None:
    started: list[int] = []
    gate = threading.Event()

    def work(number: int) -> None:
        started.append(number)
        if number == 0:
            raise ValueError("the first")
        gate.wait(10)

    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(ValueError, match="the first"):
            list(ordered_map(executor, work, ((k,) for k in range(50))))
        gate.set()
    assert len(started) <= 2
