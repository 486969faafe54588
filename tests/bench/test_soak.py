"""The soak's made-up capture is read as a real one is."""

from __future__ import annotations

from soak import observer


def test_an_observer_over_a_day_holds_little() -> None:
    held = observer(days=0.5, stacks=50)
    assert len(held) == 10
    assert 10_000 < held[-1] < 4 * 2**20
