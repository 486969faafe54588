"""A quick subset of the planted programs under `klg run`; bench/score_planted.py runs them all."""

import importlib.util
from concurrent.futures import ThreadPoolExecutor

import pytest

from planted.parity import CASES, compare
from planted.tools import observe
from planted.truth import load

SECONDS = 20.0
QUICK = ("fast_leak", "closures", "steady_service", "sawtooth_cache")
UNCHANGED = (
    "introspects",
    "os_exit",
    "raises",
    "raises_in_atexit",
    "closes_streams",
    "catches_interrupt-terminal",
    "handles_sigterm",
    "kills_itself-SIGKILL",
    "exits-text",
    "subinterpreters",
    "forks_100_times",
    "replaces_modules",
    "threads_500",
    "memory_error",
    "own_hooks",
    "own_tracemalloc",
    "greenlets",
    "gevent_pool",
    "reallocs-PYTHONMALLOC=debug",
    "reallocs-jemalloc",
)
"""The whole list: python bench/compare_with_plain.py --how run|got|preload|start."""

ITSELF = (
    "os_exit",
    "raises_in_atexit",
    "kills_itself-SIGKILL",
    "forks_100_times",
    "forks_in_threads",
    "replaces_modules",
    "threads_500",
    "memory_error",
    "own_hooks",
    "own_tracemalloc",
    "daemon_threads",
    "late_finalisers",
    "greenlets",
    "reallocs-PYTHONMALLOC=debug",
    "reallocs-jemalloc",
)
NEEDS = {"greenlets": "greenlet", "gevent_pool": "gevent"}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")

    def one(program):
        return observe("klg", program, folder, seconds=SECONDS, seed=1)

    with ThreadPoolExecutor(2) as executor:
        return {outcome.program: outcome for outcome in executor.map(one, load(QUICK))}


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_planted_program_gets_the_right_answer(outcomes, name):
    assert outcomes[name].problem == ""
    assert outcomes[name].right, outcomes[name]


def case_of(name):
    for part, module in NEEDS.items():
        if part == name and importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    found = [case for case in CASES if case.name == name]
    if not found and name.endswith("-jemalloc"):
        pytest.skip("no jemalloc (Debian: libjemalloc2; or name the library in KLG_TEST_JEMALLOC)")
    (case,) = found
    return case


@pytest.mark.parametrize("name", UNCHANGED)
def test_a_hostile_program_runs_as_it_does_without_us(name):
    plain, watched, differences = compare(case_of(name))
    assert differences == [], (plain, watched)


def test_sub_interpreters_of_a_program_that_samples_itself_run_without_us():
    plain, watched, _ = compare(case_of("subinterpreters"), how="start")
    assert (watched.code, watched.stdout) == (plain.code, plain.stdout), watched
    # Where every interpreter has a sitecustomize that imports us, each says why it cannot.
    assert "cannot be used in a sub-interpreter" in watched.stderr


@pytest.mark.parametrize("name", ITSELF)
def test_a_hostile_program_that_samples_itself_runs_as_it_does_without(name):
    plain, watched, differences = compare(case_of(name), how="start")
    assert differences == [], (plain, watched)
