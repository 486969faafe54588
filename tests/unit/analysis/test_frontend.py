"""Lines for display are the lines of the parser."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimera_leakguard_native.analysis.frontend import text_lines


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
