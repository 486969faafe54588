"""Lines for display are the lines of the parser; what is read is one state of the file."""

import ast
import os
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.frontend import text_lines
from kimera_leakguard_native.errors import AnalysisError


@given(st.lists(st.sampled_from("a\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029é")).map("".join))
def test_only_carriage_return_and_line_feed_end_a_line(text):
    wanted = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert text_lines(text.encode()) == wanted


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_numbers_agree_with_the_parser(end):
    text = end.join(["x = 'a\u2028b\x85c\x1cd'", "\x0c", "mark = 1", ""])
    line = ast.parse(text.encode()).body[1].lineno
    assert text_lines(text.encode())[line - 1] == "mark = 1"


def test_the_encoding_of_the_file_counts():
    assert text_lines("# coding: latin-1\nx = 'é'\n".encode("latin-1"))[1] == "x = 'é'"
    assert text_lines("\ufeffx = 1".encode()) == ["x = 1"]
    assert text_lines(b"# coding: no-such-thing\nx = '\xff'")[1] == "x = '\ufffd'"


class Restless:
    """An `os.fstat` under which a file has another size at each look, some times over."""

    def __init__(self, times):
        self.left = times

    def __call__(self, descriptor):
        status = os.stat(descriptor)
        self.left -= 1
        return SimpleNamespace(
            st_size=status.st_size + max(self.left, 0), st_mtime_ns=status.st_mtime_ns
        )


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    path = tmp_path / "a.py"
    path.write_bytes(b"x = 1\n")
    monkeypatch.setattr(frontend.os, "fstat", Restless(2))
    assert frontend.read(str(path)) == b"x = 1\n"


def test_a_file_that_never_rests_is_named(tmp_path, monkeypatch):
    path = tmp_path / "a.py"
    path.write_bytes(b"x = 1\n")
    monkeypatch.setattr(frontend.os, "fstat", Restless(100))
    with pytest.raises(AnalysisError, match="changes while it is read"):
        frontend.read(str(path))
