import json
import subprocess
import sys

LEAK = "def f(p):\n    return open(p).read()\n"
FIXED = "def f(p):\n    with open(p) as file:\n        return file.read()\n"
HOPELESS = "def g(p, flag):\n    return flag and open(p).read()\n"


def klg(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native", "check", "--no-cache", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_fix_changes_the_file_and_a_second_run_changes_nothing(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(LEAK, encoding="utf-8")
    done = klg("--fix", str(path))
    assert done.returncode == 0, done.stderr
    assert path.read_text(encoding="utf-8") == FIXED
    assert "1 finding fixed in 1 file" in done.stderr
    assert klg("--fix", str(path)).returncode == 0
    assert path.read_text(encoding="utf-8") == FIXED


def test_what_cannot_be_fixed_is_still_reported(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(LEAK + HOPELESS, encoding="utf-8")
    done = klg("--fix", "--output-format", "json", str(path))
    assert done.returncode == 1
    [left] = json.loads(done.stdout)["findings"]
    assert left["line"] == 5
    assert [fix["verified"] for fix in left["fixes"]] == [False]
    assert left["fixes"][0]["edits"] == []


def test_diff_prints_and_changes_nothing(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(LEAK, encoding="utf-8")
    done = klg("--diff", str(path))
    assert done.returncode == 1
    assert path.read_text(encoding="utf-8") == LEAK
    assert "+    with open(p) as file:\n" in done.stdout


def test_report_carries_edits_that_give_the_fixed_file(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(LEAK, encoding="utf-8")
    done = klg("--output-format", "json", str(path))
    [finding] = json.loads(done.stdout)["findings"]
    [fix] = finding["fixes"]
    assert fix["verified"] is True
    lines = LEAK.splitlines(keepends=True)
    text = LEAK
    for edit in sorted(fix["edits"], key=lambda one: one["start"], reverse=True):
        assert edit["file"] == str(path)
        start, end = (
            sum(map(len, lines[: line - 1])) + column - 1
            for line, column in (edit["start"], edit["end"])
        )
        text = text[:start] + edit["text"] + text[end:]
    assert text == FIXED


def test_both_options_at_once_are_an_error(tmp_path):
    done = klg("--fix", "--diff", str(tmp_path))
    assert done.returncode == 2
    assert "exclude each other" in done.stderr
