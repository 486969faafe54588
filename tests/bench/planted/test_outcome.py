"""Scoring: a right, a wrong and a missing report each count as what they are."""

import json

import pytest

from planted.outcome import judge, summary
from planted.truth import load


def site(program, line, verdict="leak", confidence=0.9):
    return {
        "file": program and str(program.path),
        "line": line,
        "function": "f",
        "live_bytes": 1,
        "growth_bytes_per_s": 1.0,
        "verdict": verdict,
        "confidence": confidence,
        "stack": [],
        "finding": None,
    }


def report(verdict, *sites):
    return {"version": 1, "process_verdict": verdict, "sites": list(sites)}


@pytest.fixture
def leaking():
    return load(("growing_dict",))[0]


@pytest.fixture
def native():
    return load(("native_malloc",))[0]


@pytest.fixture
def clean():
    return load(("bounded_lru",))[0]


def test_a_right_line_first_is_right(leaking):
    right = site(leaking, max(leaking.lines), confidence=0.8)
    outcome = judge(leaking, report("leak", right, site(leaking, 1)), 1.0)
    assert (outcome.right, outcome.first, outcome.found, outcome.alarmed) == (True,) * 4
    assert outcome.confidence == 0.8
    assert outcome.wrong_lines == ("growing_dict.py:1",)


def test_sites_that_are_not_called_leak_do_not_stand_before_the_right_one(leaking):
    cache = site(leaking, 1, verdict="bounded")
    outcome = judge(leaking, report("leak", cache, site(leaking, min(leaking.lines))), 1.0)
    assert outcome.right
    assert outcome.wrong_lines == ()


def test_a_wrong_line_first_is_a_miss_even_if_the_right_one_follows(leaking):
    wrong_then_right = report("leak", site(leaking, 1), site(leaking, min(leaking.lines)))
    outcome = judge(leaking, wrong_then_right, 1.0)
    assert (outcome.right, outcome.first, outcome.found) == (False, False, True)


def test_the_right_line_of_another_file_is_wrong(leaking, clean):
    elsewhere = site(clean, min(leaking.lines))
    outcome = judge(leaking, report("leak", elsewhere), 1.0)
    assert not outcome.found
    assert outcome.alarmed


def test_the_right_line_with_another_verdict_is_a_miss(leaking):
    undecided = report("undecided", site(leaking, min(leaking.lines), verdict="undecided"))
    outcome = judge(leaking, undecided, 1.0)
    assert (outcome.right, outcome.alarmed) == (False, False)
    assert outcome.top.endswith("(undecided)")


def test_native_counts_where_the_truth_is_native(native, leaking):
    answer = report("native", site(None, 0, verdict="native"))
    assert judge(native, answer, 1.0).right
    assert not judge(leaking, answer, 1.0).right


def test_the_line_of_a_native_leak_is_right_too(native):
    assert judge(native, report("leak", site(native, min(native.lines))), 1.0).right


def test_native_beside_a_wrong_line_is_not_right(native):
    answer = report("native", site(native, 1), site(None, 0, verdict="native"))
    assert not judge(native, answer, 1.0).right


@pytest.mark.parametrize("verdict", ["clean", "bounded", "warm-up", "undecided", "retention"])
def test_a_clean_program_may_be_called_many_things(clean, verdict):
    outcome = judge(clean, report(verdict), 1.0)
    assert (outcome.right, outcome.fair, outcome.alarmed) == (True, True, False)


@pytest.mark.parametrize(
    "answer",
    [
        lambda program: report("leak", site(program, 3)),
        lambda program: report("clean", site(program, 3)),
        lambda program: report("native", site(None, 0, verdict="native")),
    ],
    ids=["leak", "a leak site in a clean process", "native"],
)
def test_a_clean_program_is_flagged(clean, answer):
    outcome = judge(clean, answer(clean), 1.0)
    assert (outcome.right, outcome.alarmed) == (False, True)


def test_a_filling_cache_may_not_be_called_clean():
    filling = load(("filling_cache",))[0]
    assert not judge(filling, report("clean"), 1.0).fair
    assert judge(filling, report("warm-up"), 1.0).fair


@pytest.mark.parametrize("answer", [None, {}, {"process_verdict": "clean"}, {"sites": []}])
def test_a_missing_or_broken_report_never_passes(leaking, clean, answer):
    for program in (leaking, clean):
        outcome = judge(program, answer, 1.0)
        assert not outcome.right
        assert outcome.problem


def test_a_right_line_is_found_through_another_spelling_of_the_path(leaking):
    spelled = site(leaking, min(leaking.lines))
    spelled["file"] = str(leaking.path.parent / ".." / "programs" / leaking.path.name)
    assert judge(leaking, json.loads(json.dumps(report("leak", spelled))), 1.0).right


def test_the_summary_counts_and_names(leaking, clean):
    outcomes = [
        judge(leaking, report("leak", site(leaking, min(leaking.lines))), 1.0),
        judge(leaking, report("clean"), 1.0),
        judge(clean, report("leak", site(clean, 3)), 1.0),
        judge(clean, None, 1.0),
    ]
    text = "\n".join(summary(outcomes))
    assert "right answer first 1/2" in text
    assert "misses: growing_dict" in text
    assert "flagged 1/2: bounded_lru" in text
    assert "failed: bounded_lru: no report" in text
