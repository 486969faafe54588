from dataclasses import replace

import pytest

from kimera_leakguard_native.runtime.detectors.native import unexplained_growth
from kimera_leakguard_native.runtime.timeline import CHeap
from kimera_leakguard_native.runtime.verdict import of_native, of_process

MIB = 2**20


def series(size_at, seconds=60):
    return [(float(t), int(size_at(t))) for t in range(seconds)]


def test_steady_growth_without_a_site_is_native():
    found = unexplained_growth(series(lambda t: (50 + t) * MIB), 0.0)
    assert found is not None
    assert 0.9 * MIB < found.bytes_per_s < 1.1 * MIB
    assert found.cause == ""


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


def heap(used_at, free_at, seconds=60):
    return [(float(t), CHeap(int(used_at(t)), int(free_at(t)))) for t in range(seconds)]


GROWING = series(lambda t: (50 + t) * MIB)


@pytest.mark.parametrize(
    ("used", "free", "cause"),
    [
        (lambda t: (9 + t) * MIB, lambda t: 5 * MIB, "malloc"),
        (lambda t: (9 + t % 10) * MIB, lambda t: (20 + t - t % 10) * MIB, "fragmentation"),
        (lambda t: 9 * MIB, lambda t: 5 * MIB, "elsewhere"),
    ],
)
def test_the_c_librarys_own_figures_tell_where_it_is(used, free, cause):
    found = unexplained_growth(GROWING, 0.0, heap(used, free))
    assert found is not None
    assert found.cause == cause
    expected = "retention" if cause == "fragmentation" else "native"
    assert of_native(found).verdict == expected


def test_what_sites_explain_is_no_growth_of_malloc():
    found = unexplained_growth(
        GROWING, 0.4 * MIB, heap(lambda t: (9 + 0.4 * t) * MIB, lambda t: 5 * MIB)
    )
    assert found is not None
    assert found.cause == "elsewhere"


def test_figures_of_a_part_of_the_run_are_not_used():
    some = heap(lambda t: (9 + t) * MIB, lambda t: 5 * MIB)[:5]
    found = unexplained_growth(GROWING, 0.0, some)
    assert found is not None
    assert found.cause == ""


def test_fragmentation_that_goes_on_counts_before_what_is_undecided():
    found = unexplained_growth(GROWING, 0.0, heap(lambda t: 9 * MIB, lambda t: (20 + t) * MIB))
    growing = of_native(found)
    undecided = replace(growing, verdict="undecided", file="a.py", line=1)
    assert of_process([undecided, growing], 60.0, 100) == "retention"
    assert of_process([undecided], 60.0, 100) == "undecided"
