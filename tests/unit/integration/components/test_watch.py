from __future__ import annotations

import threading
import time

from kimera_leakguard_native.integration.components.watch import PatientCaller, StillBusyError


def test_each_call_gives_its_result_or_its_error() -> None:
    def fails() -> int:
        raise KeyError("missing")

    def exits() -> int:
        raise SystemExit(3)

    results = PatientCaller[int]().call_all(
        {"one": lambda: 1, "bad": fails, "exit": exits, "two": lambda: 2}, 1.0
    )
    assert (results["one"], results["two"]) == (1, 2)
    assert isinstance(results["bad"], KeyError)
    assert isinstance(results["exit"], RuntimeError)


def test_a_call_that_hangs_costs_its_patience_once_and_one_thread() -> None:
    released = threading.Event()
    calls = {"hangs": lambda: int(released.wait(30)), "after": lambda: 2}
    caller = PatientCaller[int]()
    try:
        start = time.monotonic()
        first = caller.call_all(calls, 0.2)
        took = time.monotonic() - start
        assert isinstance(first["hangs"], StillBusyError)
        assert first["after"] == 2
        assert took < 5.0
        threads = threading.active_count()
        for _ in range(5):
            again = caller.call_all(calls, 0.2)
            assert isinstance(again["hangs"], StillBusyError)
            assert again["after"] == 2
        assert threading.active_count() <= threads
    finally:
        released.set()
    deadline = time.monotonic() + 10
    while isinstance(caller.call_all(calls, 0.2)["hangs"], StillBusyError):
        assert time.monotonic() < deadline, "a call that came back is made again"
        time.sleep(0.01)


def test_a_thousand_calls_share_a_thread() -> None:
    names = {str(i): threading.get_ident for i in range(1000)}
    assert len(set(PatientCaller[int]().call_all(names, 5.0).values())) == 1


def test_no_calls_no_results() -> None:
    assert PatientCaller[int]().call_all({}, 1.0) == {}
