"""Suppression comments silence what they name, where they stand, and nothing else."""

import textwrap

import pytest

from kimera_leakguard_native.analysis import suppressions
from kimera_leakguard_native.model.finding import Finding


def finding(line, code="KLG101", end_line=None):
    return Finding(code, "r", "m", "a.py", line, end_line or line, 1, "N", 0.9, "p", "file")


def silence(source, *findings):
    return suppressions.apply(findings, suppressions.read(textwrap.dedent(source).encode()), "a.py")


@pytest.mark.parametrize(
    "comment",
    [
        "# klg: ignore[KLG101]",
        "# klg: ignore[KLG102, KLG101]",
        "# klg: ignore",
        "#klg:ignore[klg101] - closed by the caller",
        "# type: ignore  # klg: ignore[KLG101]",
        "# noqa: E501, KLG101",
    ],
)
def test_a_comment_silences_its_line(comment):
    kept, _ = silence(f"f = open(p)  {comment}\n", finding(1))
    assert kept == []


@pytest.mark.parametrize(
    "comment",
    ["# klg: ignore[KLG102]", "# noqa", "# noqa: E501", "# klg: ignored", "'# klg: ignore'"],
)
def test_other_comments_and_strings_do_not(comment):
    kept, _ = silence(f"f = open(p)  {comment}\n", finding(1))
    assert kept == [finding(1)]


def test_any_line_of_the_statement_will_do_but_no_other():
    source = "f = open(\n    p,\n)  # klg: ignore[KLG101]\ng = open(q)\n"
    kept, unused = silence(source, finding(1, end_line=3), finding(4))
    assert kept == [finding(4)]
    assert unused == []


def test_a_file_comment_holds_for_the_file():
    kept, unused = silence("# klg: file-ignore[KLG101]\na\nb\n", finding(2), finding(3, "KLG201"))
    assert kept == [finding(3, "KLG201")]
    assert unused == []


def test_an_unused_comment_is_a_finding_at_the_comment():
    _, unused = silence("f = 1  # klg: ignore[KLG101]\n")
    assert [(one.code, one.line, one.column) for one in unused] == [("KLG901", 1, 8)]
    assert "KLG101" in unused[0].message


def test_a_code_that_silences_nothing_beside_one_that_does_is_named():
    _, unused = silence("f = open(p)  # klg: ignore[KLG101,KLG102]\n", finding(1))
    assert len(unused) == 1
    assert "KLG102" in unused[0].message
    assert "KLG101" not in unused[0].message


def test_noqa_is_never_called_unused():
    assert silence("f = 1  # noqa: KLG101\n") == ([], [])


def test_broken_source_gives_what_could_be_read():
    assert len(suppressions.read(b"x = 1  # klg: ignore\ny = (\n")) == 1
