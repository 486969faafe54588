"""Lines, windows, restarts, and the model, against other implementations and known series."""

import math
import random

import numpy as np
import pytest

from kimera_leakguard_native.runtime.forecast import logistic, traces, training
from kimera_leakguard_native.runtime.forecast.coefficients import TRAINED
from kimera_leakguard_native.runtime.forecast.lines import least_squares, segments, theil_sen
from kimera_leakguard_native.runtime.forecast.outlook import MIN_POINTS, outlook


def noisy(slope, seed=1, number=50):
    rng = random.Random(seed)
    times = [3.0 * k + rng.random() for k in range(number)]
    return times, [7.0 + slope * t + rng.gauss(0, 2) for t in times]


def test_lines_agree_with_others():
    times, values = noisy(0.3)
    ours = least_squares(times, values)
    slope, level = np.polyfit(times, values, 1)
    assert ours.slope == pytest.approx(slope)
    assert ours.value(0.0) == pytest.approx(level)
    pairs = [
        (values[j] - values[i]) / (times[j] - times[i])
        for i in range(len(times))
        for j in range(i + 1, len(times))
    ]
    assert theil_sen(times, values).slope == pytest.approx(np.median(pairs))


def test_a_quarter_of_outliers_does_not_move_theil_sen():
    times, values = noisy(0.3)
    values[5:17] = [500.0] * 12
    assert theil_sen(times, values).slope == pytest.approx(0.3, abs=0.15)
    assert abs(least_squares(times, values).slope - 0.3) > 0.5


def test_segments_keep_order_and_count():
    xs, ys = segments(list(range(100)), [2.0 * k for k in range(100)], 8)
    assert len(xs) == 8
    assert ys == [2 * x for x in xs]
    assert segments([1.0, 2.0], [3.0, 4.0], 8) == ([1.0, 2.0], [3.0, 4.0])


def straight(number=60, slope=2.0, base=100.0):
    times = [10.0 * k for k in range(number)]
    return times, [base + slope * t for t in times]


def test_a_straight_line_is_led_on_exactly():
    times, values = straight()
    seen = outlook(times, values, values[-1] + 600.0)
    assert seen.seconds == pytest.approx(300.0)
    assert seen.rate == pytest.approx(2.0)
    assert seen.low < 300.0 < seen.high
    assert seen.high - seen.low < 50.0
    assert seen.fallback == 0.0


def test_a_late_leak_is_seen_in_a_late_window():
    times = [10.0 * k for k in range(100)]
    values = [100.0 + max(0.0, t - 600.0) for t in times]
    seen = outlook(times, values, values[-1] + 100.0)
    assert seen.window < 1.0
    assert seen.seconds == pytest.approx(100.0, rel=0.3)


@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_what_does_not_grow_never_gets_there(slope):
    times, values = straight(slope=slope, base=2000.0)
    assert outlook(times, values, 5000.0).seconds == math.inf


def test_no_forecast_beyond_twice_the_history():
    times, values = straight(slope=0.001)
    assert outlook(times, values, 1e6).seconds == math.inf


def test_few_points_give_none_and_a_limit_passed_gives_zero():
    times, values = straight(number=MIN_POINTS - 1)
    assert outlook(times, values, 1e4) is None
    times, values = straight()
    assert outlook(times, values, values[-1] - 1.0).seconds == 0.0


def test_a_restart_begins_a_new_history():
    times = [10.0 * k for k in range(120)]
    values = [100.0 + 8.0 * t if t < 400 else 100.0 + (t - 400) for t in times]
    seen = outlook(times, values, 1200.0)
    assert seen.history == pytest.approx(790.0, abs=30)
    assert seen.rate == pytest.approx(1.0, rel=0.05)
    assert seen.peak == pytest.approx((3220.0 - 890.0) / 1200.0, rel=0.1)


def test_rates_of_sites_stand_in_where_no_line_fits():
    rng = random.Random(3)
    times = [10.0 * k for k in range(80)]
    values = [500.0 + rng.uniform(-200, 200) + 0.1 * t for t in times]
    assert outlook(times, values, 1000.0, site_rate=0.9).rate == 0.9
    times, values = straight()
    assert outlook(times, values, 9000.0, site_rate=0.9).rate == pytest.approx(2.0)


def test_the_regression_finds_known_weights_at_a_maximum():
    rng = random.Random(5)
    rows = [(rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(4000)]
    labels = [rng.random() < 1 / (1 + math.exp(-(0.5 + 2 * a - b))) for a, b in rows]
    model = logistic.fit(rows, labels)
    assert model.weights == pytest.approx((0.5, 2.0, -1.0), abs=0.2)
    chances = model.predict(rows)
    assert sum(chances) == pytest.approx(sum(labels), rel=1e-6)  # the likelihood's gradient is 0


def test_the_regression_refuses_what_it_cannot_use():
    with pytest.raises(ValueError, match="labels"):
        logistic.fit([(1.0,)], [])
    with pytest.raises(ValueError, match="features"):
        TRAINED.probability((1.0,))
    with pytest.raises(ValueError, match="traces"):
        training.train([traces.simulate("flat", 1)])


def test_the_trained_model_is_right_and_calibrated_on_traces_it_has_not_seen():
    rows = [
        (TRAINED.probability(row), label)
        for kind in (*traces.LEAKING, *traces.CLEAN)
        for number in range(6)
        for row, label in training.examples(traces.simulate(kind, f"unit {number}"))
    ]
    sure = [label for chance, label in rows if chance > 0.8]
    assert len(sure) > 100
    assert sum(sure) / len(sure) > 0.85
    unlikely = [label for chance, label in rows if chance < 0.2]
    assert sum(unlikely) / len(unlikely) < 0.05
    said = sum(chance for chance, _ in rows) / len(rows)
    assert said == pytest.approx(sum(label for _, label in rows) / len(rows), abs=0.03)


def test_traces_are_what_their_labels_say():
    for kind in traces.LEAKING:
        trace = traces.simulate(kind, 1)
        assert trace.exhausted is not None
        assert (
            max(v for t, v in zip(trace.times, trace.values, strict=True) if t < trace.exhausted)
            < 1000
        )
    for kind in traces.CLEAN:
        trace = traces.simulate(kind, 1)
        assert trace.exhausted is None
        assert max(trace.values) < 1000
    assert traces.simulate("flat", 2) == traces.simulate("flat", 2) != traces.simulate("flat", 3)
