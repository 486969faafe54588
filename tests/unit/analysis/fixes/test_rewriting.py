import os
import stat

import pytest

from kimera_leakguard_native.analysis.fixes.difference import unified
from kimera_leakguard_native.analysis.fixes.rewriting import Rewritten, replace_file, rewritten
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.finding import Edit, Finding, Fix


def finding(*edits, verified=True):
    return Finding(
        "KLG101", "r", "m", "f.py", 1, 1, 1, "N", 1.0, "confirmed_leak", "file", (),
        (Fix("t", verified, edits),),
    )  # fmt: skip


def edit(start, end, text):
    return Edit("f.py", (1, start), (1, end), text)


def test_overlapping_fixes_wait_for_the_next_round():
    rounds = []

    def findings_in(data):
        rounds.append(data)
        if data == b"abcdef\n":
            return [finding(edit(1, 3, "X")), finding(edit(2, 4, "Y")), finding(edit(6, 6, "Z"))]
        return []

    change = rewritten("f.py", b"abcdef\n", findings_in)
    assert change.after == b"XcdeZf\n"
    assert change.fixed == 2
    assert rounds == [b"abcdef\n", b"XcdeZf\n"]


def test_an_import_that_two_fixes_want_is_written_once():
    brought = Edit("f.py", (1, 1), (1, 1), "import os\n")

    def findings_in(data):
        if data.startswith(b"import"):
            return []
        return [finding(brought, Edit("f.py", (n, 1), (n, 1), "#")) for n in (2, 4)]

    assert rewritten("f.py", b"a\nb\nc\nd\n", findings_in).after == b"import os\na\n#b\nc\n#d\n"


def test_what_is_not_verified_is_not_applied():
    change = rewritten("f.py", b"a\n", lambda _: [finding(edit(1, 1, "X"), verified=False)])
    assert (change.after, change.fixed) == (b"a\n", 0)


def test_file_keeps_its_mode_and_its_place(tmp_path):
    path = tmp_path / "real.py"
    path.write_bytes(b"old\n")
    path.chmod(0o640)
    link = tmp_path / "link.py"
    link.symlink_to(path)
    replace_file(Rewritten(str(link), b"old\n", b"new\n", 1))
    assert path.read_bytes() == b"new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link.py", "real.py"]


def test_file_that_has_changed_is_left_alone(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(b"newer\n")
    with pytest.raises(AnalysisError, match="has changed"):
        replace_file(Rewritten(str(path), b"old\n", b"fixed\n", 1))
    assert path.read_bytes() == b"newer\n"
    assert os.listdir(tmp_path) == ["a.py"]


def test_failed_write_leaves_the_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "a.py"
    path.write_bytes(b"old\n")

    def refuse(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(AnalysisError, match="No space left"):
        replace_file(Rewritten(str(path), b"old\n", b"new\n", 1))
    assert path.read_bytes() == b"old\n"
    assert os.listdir(tmp_path) == ["a.py"]


def test_diff_is_one_that_patch_takes():
    text = unified(Rewritten("f.py", b"a\r\nb", b"a\r\nc", 1))
    assert text == (
        "--- f.py\n+++ f.py\n@@ -1,2 +1,2 @@\n a\r\n-b\n\\ No newline at end of file\n"
        "+c\n\\ No newline at end of file\n"
    )
