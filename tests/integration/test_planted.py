"""A quick subset of the planted programs under `klg run`; bench/score_planted.py runs them all."""

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
    "closes_streams",
    "catches_interrupt-terminal",
    "handles_sigterm",
    "kills_itself-SIGKILL",
    "exits-text",
    "subinterpreters",
    "reallocs-PYTHONMALLOC=debug",
)


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


@pytest.mark.parametrize("name", UNCHANGED)
def test_a_hostile_program_runs_as_it_does_without_us(name):
    (case,) = (case for case in CASES if case.name == name)
    plain, watched, differences = compare(case)
    assert differences == [], (plain, watched)
