"""Handing on how a run stands takes a bounded share of the supervisor's time, and never ends it."""

from __future__ import annotations

import time
from typing import Any

from kimera_leakguard_native.runtime.launch.supervisor import _Keeping


class Standing:
    """An observation whose report takes a while, as that of very many sites does."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.made = 0

    def report(self) -> Any:
        self.made += 1
        time.sleep(self.seconds)
        return self.made


def test_a_slow_report_is_made_less_often() -> None:
    standing: Any = Standing(0.02)
    kept: list[Any] = []
    keeping = _Keeping(standing, kept.append)
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        keeping.keep_if_due()
        time.sleep(0.001)
    # One takes 20 ms or more, and a twentieth of the time is theirs: one each 400 ms at most.
    assert kept == list(range(1, standing.made + 1))
    assert 1 <= len(kept) <= 3


def test_after_a_failure_it_is_left_alone() -> None:
    standing: Any = Standing(0.0)

    def refuse(_report: Any) -> None:
        raise OSError("no space left")

    keeping = _Keeping(standing, refuse)
    for _ in range(5):
        keeping.keep_if_due()
    assert standing.made == 1


def test_without_a_keeper_no_report_is_made() -> None:
    standing: Any = Standing(0.0)
    _Keeping(standing, None).keep_if_due()
    assert standing.made == 0
