"""The report for people: where the caret stands, what is cut, what is counted."""

import re
from dataclasses import replace

import pytest

from kimera_leakguard_native.model.finding import (
    CheckResult,
    CheckStatistics,
    FileError,
    Finding,
    Step,
)
from kimera_leakguard_native.reporters import check_text


def finding(line=2, column=12, file="app.py", tier="N"):
    return Finding(
        code="KLG101",
        rule="unreleased-file",
        message="file from open(…) is never closed",
        file=file,
        line=line,
        end_line=line,
        column=column,
        tier=tier,
        confidence=0.95,
        detection_result="confirmed_leak",
        resource="file",
        path=(Step(file, line, "open(…) acquires a file"), Step(file, 9, "f() returns")),
    )


def render(*findings, lines=(), errors=(), statistics=None, **options):
    result = CheckResult(list(findings), list(errors), statistics or CheckStatistics(files=1))
    return check_text.render(result, lambda _: list(lines), lambda code: f"mind {code}", **options)


def test_a_finding_is_one_paragraph_with_line_path_and_advice():
    text = render(finding(), lines=["def f(p):", "    return open(p).read()"])
    assert text == (
        "app.py:2:12: KLG101 [N] file from open(…) is never closed\n"
        "  |\n"
        "2 |     return open(p).read()\n"
        "  |            ^ never released\n"
        "  |     - open(…) acquires a file\n"
        "  = line 9: f() returns\n"
        "  = help: mind KLG101\n"
        "\n"
        "1 finding in 1 file\n"
    )


def test_steps_stand_under_the_lines_that_they_are_about():
    steps = (
        Step("app.py", 2, "acquired"),
        Step("app.py", 10, "`x` is true"),
        Step("app.py", 10, "raises"),
        Step("base.py", 3, "never\tcalled"),
        Step("base.py", 99, "gone"),
    )
    lines = [*["pass"] * 9, "\tif x: fail()"]
    text = render(replace(finding(), path=steps), lines=["x", " y = open(p)", *lines[2:]])
    assert text.splitlines()[1:12] == [
        "   |",
        " 2 |  y = open(p)",
        "   |            ^ never released",
        "   |  - acquired",
        "10 |  if x: fail()",
        "   |  - `x` is true",
        "   |  - raises",
        "   --> base.py",
        " 3 | pass",
        "   | - never\tcalled",
        "   = line 99: gone",
    ]


def test_colours_are_extra():
    plain = render(finding(), lines=["a", "b"])
    coloured = render(finding(), lines=["a", "b"], colour=True)
    assert "\x1b[1;31mKLG101\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert "\x1b" not in plain


def shown(line, column):
    """Give the character above the caret, and the snippet."""
    rows = render(finding(1, column), lines=[line]).splitlines()
    snippet, caret = rows[2], rows[3]
    return snippet[caret.index("^")], snippet.removeprefix("1 | ")


@pytest.mark.parametrize("indent", ["", "\t", "\t\t\t", " \t ", "\x0c", "\x85\u2028"])
def test_the_caret_stands_under_the_column_whatever_the_blanks(indent):
    assert shown(f"{indent}@open(p)", len(indent) + 1) == ("@", f"{' ' * len(indent)}@open(p)")


@pytest.mark.parametrize("before", [0, 30, 119, 120, 5_000, 1_000_000])
@pytest.mark.parametrize("after", [0, 30, 5_000])
def test_a_wide_line_is_cut_around_the_column(before, after):
    above, snippet = shown("x" * before + "@" + "y" * after, before + 1)
    assert above == "@"
    assert len(snippet) <= 122
    assert snippet.startswith("…") <= (before + after + 1 > 120)
    assert ("…" in snippet) == (before + after + 1 > 120)


def test_a_column_beyond_the_line_puts_the_caret_at_its_end():
    rows = render(finding(1, 40), lines=["open(p)"]).splitlines()
    assert rows[3].index("^") == len(rows[2])


def test_a_line_that_is_gone_leaves_the_snippet_out():
    text = render(finding(line=7), lines=["only one"])
    assert "7 |" not in text
    assert "= line 9: f() returns" in text


def test_the_lines_of_a_file_are_read_once():
    asked = []
    result = CheckResult([finding(1), finding(2), finding(1, file="b.py")])
    check_text.render(result, lambda name: asked.append(name) or [], str)
    assert asked == ["app.py", "b.py"]


def test_errors_follow_the_findings_and_are_counted():
    text = render(finding(), errors=[FileError("a.py", "line 1: x"), FileError("b.py", "y")])
    assert "\n\na.py: error: line 1: x\nb.py: error: y\n\n1 finding in 1 file, 2 errors\n" in text


@pytest.mark.parametrize(
    ("findings", "errors", "summary"),
    [
        (0, 0, "0 findings in 1 file"),
        (2, 1, "2 findings in 1 file, 1 error"),
    ],
)
def test_the_summary_counts(findings, errors, summary):
    text = render(*[finding()] * findings, errors=[FileError("a.py", "x")] * errors)
    assert text.endswith(f"{summary}\n")


def test_statistics_are_shown_on_request_only():
    numbers = CheckStatistics(3, 1200, 40, 7, 5, 2, 0.5, 4, 1)
    assert "symbolic" not in render(statistics=numbers)
    result = CheckResult(statistics=numbers)
    text = check_text.render(result, lambda _: [], str, statistics=True)
    assert text == (
        "files 3 (1 from the cache), lines 1200, functions 40\n"
        "symbolic queries 7, infeasible paths 5, alarms removed 4, budgets exhausted 2\n"
        "0.50 s, 2,400 lines/s\n"
        "\n"
        "0 findings in 3 files\n"
    )


@pytest.mark.parametrize(
    ("tier", "words"),
    [("N", "never released"), ("E", "explicit early exit"), ("X", "exception only"),
     ("D", "dangling task"), ("M", "memory retention")],
)  # fmt: skip
def test_every_tier_has_words(tier, words):
    assert f"^ {words}\n" in render(finding(1, 1, tier=tier), lines=["open(p)"])


def test_a_comment_that_silences_nothing_is_no_leak():
    text = render(replace(finding(), code="KLG901"), lines=["", "x = 1  # klg: ignore[KLG101]"])
    assert "^ silences nothing\n" in text
    assert "never released" not in text


def test_that_there_was_nothing_to_check_is_said():
    assert render(statistics=CheckStatistics(files=0)) == "no Python files under these paths\n"
    assert render(statistics=CheckStatistics(files=2)) == "0 findings in 2 files\n"
