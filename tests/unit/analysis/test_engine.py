import json
import os
import subprocess
import sys

import pytest

from kimera_leakguard_native.analysis import discovery, engine
from kimera_leakguard_native.reporters import check_json

LEAK = "def f(p):\n    return open(p).read()\n"
CLEAN = "def f(p):\n    with open(p) as file:\n        return file.read()\n"


def test_tree_with_bad_files_keeps_the_rest_unharmed(tmp_path):
    (tmp_path / "leak.py").write_text(LEAK, encoding="utf-8")
    (tmp_path / "null.py").write_bytes(b"x = 1\n\0\n")
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    (tmp_path / "broken.py").write_text("def f(:\n", encoding="utf-8")
    os.symlink(tmp_path, tmp_path / "loop")
    result = engine.check([str(tmp_path), str(tmp_path / "absent.py")])
    assert [(os.path.basename(one.file), one.line, one.code) for one in result.findings] == [
        ("leak.py", 2, "KLG101")
    ]
    names = [os.path.basename(error.file) for error in result.errors]
    assert names == ["absent.py", "broken.py", "latin.py", "null.py"]
    assert result.statistics.files == 1


def test_files_are_named_as_given_and_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.py", "a.py", "c/d.py", ".hidden/e.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("", encoding="utf-8")
    found = discovery.discover(["."])
    assert found.files == [os.path.join(".", name) for name in ("a.py", "b.py", "c/d.py")]


@pytest.mark.parametrize(("source", "code"), [(LEAK, 1), (CLEAN, 0), ("def f(:\n", 2)])
def test_exit_codes(tmp_path, source, code):
    path = tmp_path / "module.py"
    path.write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "kimera_leakguard_native", "check", str(path)]
    done = subprocess.run(
        [*command, "--output-format", "json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert json.loads(done.stdout)["version"] == 1


def test_output_depends_neither_on_jobs_nor_on_the_order_of_paths(tmp_path):
    for number in range(40):
        (tmp_path / f"m{number:02}.py").write_text(LEAK if number % 3 else CLEAN, encoding="utf-8")
    paths = [str(path) for path in tmp_path.iterdir()]
    one = engine.check(sorted(paths))
    two = engine.check(sorted(paths, reverse=True), engine.Options(jobs=2))
    assert one.findings
    one.statistics.seconds = two.statistics.seconds = 0
    assert check_json.render(one) == check_json.render(two)
