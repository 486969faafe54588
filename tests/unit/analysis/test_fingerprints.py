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
    table = fingerprints.of_file(findings, source, name)
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
