from kimera_leakguard_native.runtime.detectors.native import unexplained_growth

MIB = 2**20


def series(size_at, seconds=60):
    return [(float(t), int(size_at(t))) for t in range(seconds)]


def test_steady_growth_without_a_site_is_native():
    found = unexplained_growth(series(lambda t: (50 + t) * MIB), 0.0)
    assert found is not None
    assert 0.9 * MIB < found.bytes_per_s < 1.1 * MIB
    assert "native memory" in found.reason


def test_growth_that_sites_explain_is_not():
    assert unexplained_growth(series(lambda t: (50 + t) * MIB), 0.9 * MIB) is None


def test_a_sawtooth_is_not():
    assert unexplained_growth(series(lambda t: (50 + t % 15) * MIB), 0.0) is None


def test_a_start_up_that_levels_off_is_not():
    assert unexplained_growth(series(lambda t: (50 + min(t, 30)) * MIB), 0.0) is None


def test_a_single_step_is_not():
    assert unexplained_growth(series(lambda t: (50 + 40 * (t > 30)) * MIB), 0.0) is None


def test_little_growth_and_short_runs_are_not():
    assert unexplained_growth(series(lambda t: 50 * MIB + 4096 * t), 0.0) is None
    assert unexplained_growth(series(lambda t: (50 + t) * MIB, seconds=6), 0.0) is None
