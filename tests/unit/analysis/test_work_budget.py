"""A function that would cost too much is given up at the same step in every run, and says so."""

import pytest

from kimera_leakguard_native.analysis import engine, module_check
from kimera_leakguard_native.analysis.lowering import builder
from kimera_leakguard_native.analysis.work_budget import WorkBudget

GOOD = "def good(p):\n    return open(p).read()\n"


def nested_finally(depth):
    lines = ["def crafted(p, n):", " h = open(p)"]
    for level in range(1, depth + 1):
        lines += [" " * level + "try:", " " * level + " n.f()", " " * level + "finally:"]
    return "\n".join([*lines, " " * (depth + 1) + "h.read()", ""])


def ternaries(count):
    lines = ["def crafted(path, n):", " h0 = None"]
    lines += [f" h{i} = h{i - 1} if n else open(path)" for i in range(1, count)]
    return "\n".join([*lines, ""])


def check(tmp_path, text, **options):
    path = tmp_path / "module.py"
    path.write_text(text + GOOD, encoding="utf-8")
    return engine.check([str(path)], engine.Options(**options))


def test_a_budget_ends():
    budget = WorkBudget(10)
    budget.spend(9)
    assert not budget.exhausted
    budget.spend(1)
    assert budget.exhausted


@pytest.mark.parametrize("text", [nested_finally(40), ternaries(150)], ids=["finally", "ternaries"])
def test_a_function_that_is_given_up_is_named_and_counted(tmp_path, monkeypatch, text):
    monkeypatch.setattr(builder, "MAX_COPIED", 2_000)
    monkeypatch.setattr(module_check, "MAX_TRACKING", 50_000)
    result = check(tmp_path, text)
    assert [error.message.split(": ")[:2] for error in result.errors] == [["line 1", "crafted"]]
    assert result.statistics.budget_exhausted > 0
    last = (text + GOOD).count("\n")
    assert last in [finding.line for finding in result.findings]


@pytest.mark.parametrize("text", [nested_finally(6), ternaries(6)], ids=["finally", "ternaries"])
def test_the_same_code_in_a_usual_size_is_checked(tmp_path, text):
    result = check(tmp_path, text, tiers=("N", "E", "X"))
    assert result.errors == []
    assert result.statistics.budget_exhausted == 0
    assert len(result.findings) > 1


def test_runs_agree_on_where_to_stop(tmp_path, monkeypatch):
    monkeypatch.setattr(module_check, "MAX_TRACKING", 50_000)
    one, two = (check(tmp_path, ternaries(100)) for _ in range(2))
    assert one.findings == two.findings
    assert one.errors == two.errors


def test_without_work_left_for_the_solver_early_exits_are_advice(tmp_path, monkeypatch):
    text = "def f(p, flag):\n h = open(p)\n if flag: h.close()\n if not flag: h.close()\n"
    assert [finding.line for finding in check(tmp_path, text).findings] == [6]
    monkeypatch.setattr(module_check, "MAX_SEARCHING", 0)
    result = check(tmp_path, text)
    assert [finding.line for finding in result.findings] == [6]
    assert result.statistics.budget_exhausted == 1


def test_what_no_path_ends_is_reported_even_if_the_solver_has_no_work_left(tmp_path, monkeypatch):
    text = "def f(p, flag):\n h = open(p)\n if flag: print(h.name)\n"
    monkeypatch.setattr(module_check, "MAX_SEARCHING", 0)
    found = [(one.line, one.detection_result) for one in check(tmp_path, text).findings]
    assert found == [(2, "potential_leak"), (5, "confirmed_leak")]
