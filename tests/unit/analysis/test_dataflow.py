"""Reads that raise: where a handler names the exception, the path through it exists."""

import pytest

from kimera_leakguard_native.analysis import engine

FLAGGED = """class Holder:
    def use(self, path, table):
        use = True
        try:
            value = {read}
            use = False
        except {caught}:
            value = None
        if use:
            handle = open(path)
            self.size = handle.fileno()
        return value
"""


def lines(tmp_path, source):
    path = tmp_path / "reads.py"
    path.write_text(source)
    return [finding.line for finding in engine.check([str(path)]).findings]


@pytest.mark.parametrize(
    ("read", "caught"),
    [
        ("self.cached", "AttributeError"),
        ("table['k']", "KeyError"),
        ("table[0]", "IndexError"),
        ("table[0]", "LookupError"),
        ("table[0]", "(TypeError, ValueError)"),
    ],
)
def test_a_read_goes_to_the_handler_that_names_its_exception(tmp_path, read, caught):
    assert lines(tmp_path, FLAGGED.format(read=read, caught=caught)) == [10]


def test_a_read_does_not_raise_what_it_cannot(tmp_path):
    assert lines(tmp_path, FLAGGED.format(read="self.cached", caught="KeyError")) == []
