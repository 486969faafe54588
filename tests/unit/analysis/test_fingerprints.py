"""Fingerprints survive what moves a line and change with what changes the leak."""

import textwrap

from kimera_leakguard_native.analysis import fingerprints
from kimera_leakguard_native.model.finding import Finding

SOURCE = textwrap.dedent(
    """
    class Reader:
        def load(self, path):
            f = open(path)
            return f.read()

    def other(path):
        f = open(path)
        g = open(path)
        g = open(path)
    """
)


def finding(line, code="KLG101"):
    return Finding(code, "r", "m", "a.py", line, line, 1, "N", 0.9, "p", "file")


def prints(source, *findings, name="a.py"):
    table = fingerprints.of_file(findings, source.encode(), name)
    return [table[one] for one in findings]


def test_shifted_lines_and_folded_blanks_keep_it():
    moved = "# a comment\n\n" + SOURCE.replace("f = open(path)", "f  =  open(path)")
    assert prints(SOURCE, finding(4)) == prints(moved, finding(6))


def test_scope_rule_file_and_text_are_part_of_it():
    base = prints(SOURCE, finding(4))[0]
    assert prints(SOURCE, finding(8))[0] != base
    assert prints(SOURCE, finding(4, "KLG102"))[0] != base
    assert prints(SOURCE, finding(4), name="b.py")[0] != base
    assert prints(SOURCE.replace("path", "p"), finding(4))[0] != base


def test_equal_statements_in_one_scope_are_told_apart():
    first, second = prints(SOURCE, finding(9), finding(10))
    assert first != second


def test_a_decorated_function_is_its_own_scope():
    source = "@cache\ndef f():\n    x = open(p)\nx = open(p)\n"
    inside, outside = prints(source, finding(3), finding(4))
    assert inside != outside


def test_separators_that_end_no_line_for_the_parser_end_none_here():
    plain = "def f(p):\n    x = 1\n    y = open(p)\n    z = open(q)\n"
    odd = plain.replace("1", "'\x0c\x85\u2028'")
    assert prints(plain, finding(3)) == prints(odd, finding(3))


def test_a_file_that_has_gone_gives_none(tmp_path):
    assert fingerprints.of_path([finding(1)], str(tmp_path / "gone.py"), "gone.py") == {}
    (tmp_path / "broken.py").write_text("def f(:\n", encoding="utf-8")
    assert fingerprints.of_path([finding(1)], str(tmp_path / "broken.py"), "broken.py") == {}
