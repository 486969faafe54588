from __future__ import annotations

from kimera_leakguard_native.dashboard.history import History, live_by_verdict


def point(time: float) -> dict[str, object]:
    return {"time": time, "resident_bytes": time, "live": {}}


def test_a_day_is_kept_in_bounded_space_and_in_order() -> None:
    history = History()
    for second in range(0, 2 * 24 * 3600, 3):
        history.add(point(float(second)))  # type: ignore[arg-type]
    times = [each["time"] for each in history.points()]
    assert len(times) <= 1740
    assert times == sorted(set(times))
    assert times[-1] == 2 * 24 * 3600 - 3
    assert 23 * 3600 < times[-1] - times[0] <= 25 * 3600


def test_the_same_reading_twice_counts_once() -> None:
    history = History()
    history.add(point(1.0))  # type: ignore[arg-type]
    history.add(point(1.0))  # type: ignore[arg-type]
    assert len(history.points()) == 1


def test_live_bytes_are_summed_by_verdict() -> None:
    sites = [
        {"verdict": "leak", "live_bytes": 3},
        {"verdict": "bounded", "live_bytes": 5},
        {"verdict": "leak", "live_bytes": 4},
    ]
    assert live_by_verdict(sites) == {"leak": 7.0, "bounded": 5.0}
