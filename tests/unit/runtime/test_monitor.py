"""The monitor's thread: starts once, stops at once, survives what it calls."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time

import pytest

from kimera_leakguard_native.runtime.monitor import Monitor


class Ticker:
    def __init__(self, fail: int = 0) -> None:
        self.count = 0
        self.fail = fail
        self.reached = threading.Event()

    def tick(self) -> None:
        self.count += 1
        if self.count >= 3:
            self.reached.set()
        if self.count <= self.fail:
            raise RuntimeError("no luck")


def test_ticks_at_once_and_then_at_intervals() -> None:
    ticker = Ticker()
    monitor = Monitor(ticker.tick, 0.001, "test")
    assert monitor.start()
    assert ticker.reached.wait(60)
    monitor.stop()
    assert not monitor.running
    count = ticker.count
    time.sleep(0.02)
    assert ticker.count == count
    assert monitor.ticks == count


def test_a_failing_tick_is_counted_logged_once_and_repeated(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ticker = Ticker(fail=2)
    monitor = Monitor(ticker.tick, 0.001, "test")
    with caplog.at_level(logging.WARNING):
        monitor.start()
        assert ticker.reached.wait(60)
        monitor.stop()
    assert monitor.failures == 2
    assert len(caplog.records) == 1
    assert "no luck" in caplog.text


def test_many_threads_start_one() -> None:
    ticker = Ticker()
    monitor = Monitor(ticker.tick, 3600, "test-once")
    started: list[bool] = []
    threads = [threading.Thread(target=lambda: started.append(monitor.start())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(started) == 1
    assert sum(thread.name == "test-once" for thread in threading.enumerate()) == 1
    monitor.stop()


def test_it_may_stop_itself() -> None:
    class Once:
        def __init__(self) -> None:
            self.monitor = Monitor(self.tick, 0.001, "test")

        def tick(self) -> None:
            self.monitor.stop()

    once = Once()
    once.monitor.start()
    thread = once.monitor.thread
    if thread is not None:
        thread.join(60)
        assert not thread.is_alive()
    assert not once.monitor.running


def test_ends_with_its_object() -> None:
    ticker = Ticker()
    monitor = Monitor(ticker.tick, 0.001, "test")
    monitor.start()
    thread = monitor.thread
    del ticker
    gc.collect()
    assert thread is not None
    thread.join(60)
    assert not thread.is_alive()
    assert not monitor.running


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_the_child_of_a_fork_has_none_and_can_start_one() -> None:
    ticker = Ticker()
    monitor = Monitor(ticker.tick, 3600, "test")
    monitor.start()
    child = os.fork()
    if child == 0:
        right = not monitor.running and monitor.start() and monitor.running
        monitor.stop()
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert monitor.running
    monitor.stop()
