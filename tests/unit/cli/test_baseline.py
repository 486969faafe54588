"""`klg baseline` as a process: old findings are left out, new ones count, gone ones go."""

import json
import subprocess
import sys

import pytest

OLD = "def f(path):\n    file = open(path)\n    return file.read()\n"
NEW = "\ndef g(path):\n    data = open(path)\n    return data.read()\n"


def klg(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path):
    (tmp_path / "a.py").write_text(OLD)
    assert klg("baseline", "create", ".", cwd=tmp_path).returncode == 0
    return tmp_path


def known(project):
    return len(json.loads((project / "klg-baseline.json").read_text())["findings"])


def check(project):
    done = klg(
        "check", ".", "--baseline", "klg-baseline.json", "--output-format", "json", cwd=project
    )
    return done.returncode, [one["line"] for one in json.loads(done.stdout)["findings"]]


def test_known_findings_are_left_out_and_new_ones_count(project):
    assert known(project) == 1
    assert check(project) == (0, [])
    (project / "a.py").write_text("import os\n" + OLD + NEW)
    assert check(project) == (1, [7])


def test_update_takes_new_ones_in_and_prune_only_drops(project):
    (project / "a.py").write_text(NEW)
    assert klg("baseline", "prune", ".", cwd=project).returncode == 0
    assert known(project) == 0
    assert klg("baseline", "update", ".", cwd=project).returncode == 0
    assert known(project) == 1
    assert check(project) == (0, [])


def test_create_does_not_overwrite(project):
    done = klg("baseline", "create", ".", cwd=project)
    assert done.returncode == 2
    assert "klg baseline update" in done.stderr


def test_a_missing_baseline_is_an_error_and_not_an_empty_one(project):
    done = klg("check", ".", "--baseline", "none.json", cwd=project)
    assert done.returncode == 2
    assert "klg baseline create" in done.stderr
