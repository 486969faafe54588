"""What an edit does not touch stays as it is, byte for byte."""

import pytest

from kimera_leakguard_native.analysis.batch import Checker
from kimera_leakguard_native.analysis.fixes.document import Document
from kimera_leakguard_native.analysis.fixes.rewriting import rewritten
from kimera_leakguard_native.analysis.options import Options
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.finding import TIERS

LATIN = rb"""# coding: latin-1
def f(p):
	x = open(p)
	s = '\xe9\
  y'
	print(x.read(), s)
	x.close()
""".replace(b"\\xe9", b"\xe9").replace(b"\n", b"\r\n")
MARKED = b"""\xef\xbb\xbfdef f(p):
  x = open(p)
  s = '\xc3\xa9'; print(x.read(), s)
  x.close()"""
CONTINUED = b"""def f(p):
    x = open(p)
    print(x.read(),
\x0c
          1 + \\
2)
    x.close()
"""


@pytest.mark.parametrize("data", [LATIN, MARKED, CONTINUED], ids=["latin", "marked", "continued"])
def test_bytes_outside_of_the_edit_survive(tmp_path, data):
    path = str(tmp_path / "module.py")
    options = Options(tiers=TIERS, fixes=True)

    def findings_in(version):
        return Checker([path], options).check_version(path, version).findings

    change = rewritten(path, data, findings_in)
    assert change.fixed == 1
    assert findings_in(change.after) == []
    kept = [
        line.strip() for line in data.splitlines() if b"close" not in line and b"open" not in line
    ]
    assert [line.strip() for line in change.after.splitlines() if b"open" not in line] == kept
    assert change.after.count(b"\r\n") == (data.count(b"\r\n") - 1 if b"\r\n" in data else 0)
    assert change.after.startswith(data[:10])


def test_positions_count_characters_and_survive_the_way_back():
    document = Document("x = 'é€' + y\r\nz\r\n".encode())
    assert document.text[document.offset(1, 14)] == "y"
    assert document.position(document.offset(1, 14)) == (1, 12)
    assert document.position(document.line_start(2)) == (2, 1)
    assert document.newline == "\r\n"


@pytest.mark.parametrize("data", [b"# coding: nonsense\n", b"\xff\n", b"# coding: utf-7\n+AAA-\n"])
def test_bytes_that_would_not_come_back_are_not_edited(data):
    with pytest.raises(AnalysisError, match="cannot be edited"):
        Document(data)


def test_unit_of_indentation_is_the_files_own():
    assert Document(b"def f():\n\tif x:\n\t\ty\n").unit == "\t"
    assert Document(b"def f():\n  if x:\n    y\n").unit == "  "
    assert Document(b"x = 1\n").unit == "    "
