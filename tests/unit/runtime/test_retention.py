"""What was freed and not given back is told from what was given back, and from a sawtooth."""

from kimera_leakguard_native.runtime.detectors.retention import retention

MIB = 2**20
NOW = 60.0


def points(value):
    return [(float(t), value(float(t))) for t in range(0, 61, 2)]


def fell(t):
    return 100 * MIB if t < 20 else 10 * MIB


def test_pages_that_stay_after_their_objects_went_are_retention():
    found = retention(points(fell), points(lambda t: 130 * MIB), NOW)
    assert found is not None
    assert found.kept == 90 * MIB
    assert "90 MiB have been freed" in found.reason


def test_what_was_given_back_is_none():
    assert retention(points(fell), points(lambda t: fell(t) + 30 * MIB), NOW) is None


def test_a_sawtooth_that_has_just_dipped_is_none():
    def saw(t):
        return (t % 20) * 5 * MIB

    assert retention(points(saw), points(lambda t: 130 * MIB), NOW) is None


def test_small_drops_and_short_runs_are_none():
    assert retention(points(lambda t: fell(t) / 10), points(lambda t: 130 * MIB), NOW) is None
    early = [(t / 10, v) for t, v in points(fell)]
    assert retention(early, points(lambda t: 130 * MIB), 6.0) is None
