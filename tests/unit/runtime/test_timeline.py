import pytest

from kimera_leakguard_native.runtime.timeline import MAX_POINTS, Point, Timeline


def test_bytes_between_two_times_are_interpolated():
    timeline = Timeline()
    for second in range(1, 11):
        timeline.add(Point(float(second), 100.0 * second, 1))
    assert timeline.allocated_between(2.5, 7.25) == pytest.approx(475.0)
    assert timeline.allocated_between(0.0, 0.5) == pytest.approx(50.0)
    assert timeline.allocated_between(9.0, 99.0) == pytest.approx(100.0)
    assert Timeline().allocated_between(1.0, 2.0) == 0.0


def test_a_long_run_keeps_few_points_over_all_of_it():
    timeline = Timeline()
    for second in range(50_000):
        timeline.add(Point(float(second), float(second), second + 1))
    assert len(timeline.points) <= MAX_POINTS
    assert timeline.points[0].time == 0.0
    assert timeline.points[-1].time > 49_000
    assert timeline.allocated_between(1000.0, 2000.0) == pytest.approx(1000.0, rel=0.01)


def test_unknown_resident_sizes_are_left_out():
    timeline = Timeline()
    timeline.add(Point(1.0, 1.0, 0))
    timeline.add(Point(2.0, 2.0, 77))
    assert timeline.rss_between(0.0, 9.0) == [(2.0, 77)]
