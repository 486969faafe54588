"""The reports of `klg check` as a process: the same bytes whatever varies, colours where wanted."""

import json
import os
import pty
import subprocess
import sys

import pytest

from kimera_leakguard_native.bench.analysis_workloads import write_project

KLG = [sys.executable, "-m", "kimera_leakguard_native", "check"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    planted = write_project(folder, 12_000, 5)
    (folder / "broken.py").write_text("def f(:\n", encoding="utf-8")
    assert len(planted.leaks) > 2
    return folder


def check(project, *arguments, **environment):
    done = subprocess.run(
        [*KLG, str(project), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return done.stdout


def without_time(text, kind):
    if kind != "json":
        return text
    document = json.loads(text)
    del document["statistics"]["seconds"]
    return json.dumps(document)


@pytest.mark.parametrize("kind", ["text", "json", "sarif"])
def test_hash_seed_jobs_and_cache_change_nothing(project, tmp_path, kind):
    cache = {"KLG_CACHE_DIR": str(tmp_path / "cache")}
    form = ("--output-format", kind, "--all")
    outputs = [
        check(project, *form, "--no-cache", PYTHONHASHSEED="1"),
        check(project, *form, "--no-cache", "--jobs", "3", PYTHONHASHSEED="2"),
        check(project, *form, "--jobs", "2", PYTHONHASHSEED="3", **cache),
        check(project, *form, PYTHONHASHSEED="4", **cache),
    ]
    assert len({without_time(text, kind) for text in outputs}) == 1
    assert b"KLG101" in outputs[0]
    assert b"broken.py" in outputs[0]


def test_the_statistics_tell_what_came_from_the_cache(project, tmp_path):
    cache = {"KLG_CACHE_DIR": str(tmp_path / "cache")}
    first = check(project, "--statistics", **cache).decode()
    second = check(project, "--statistics", **cache).decode()
    files = int(second.split("files ")[1].split()[0])
    assert "(0 from the cache)" in first
    assert f"({files} from the cache)" in second
    assert "alarms removed" in first


def test_no_cache_leaves_nothing_behind(project, tmp_path):
    check(project, "--no-cache", KLG_CACHE_DIR=str(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


def on_terminal(project, **environment):
    """Give what the command writes where its output is a terminal."""
    outside, inside = pty.openpty()
    process = subprocess.Popen(
        [*KLG, str(project)], stdout=inside, env={**os.environ, "TERM": "xterm", **environment}
    )
    os.close(inside)
    pieces = []
    try:
        while piece := os.read(outside, 65536):
            pieces.append(piece)
    except OSError:  # how Linux says that the other side has gone
        pass
    os.close(outside)
    assert process.wait() == 1
    return b"".join(pieces)


def test_colours_are_for_terminals_that_want_them(project):
    assert b"\x1b[" not in check(project)
    assert b"\x1b[1;31mKLG101\x1b[0m" in on_terminal(project, NO_COLOR="")
    assert b"\x1b[" not in on_terminal(project, NO_COLOR="1")
    assert b"\x1b[" not in on_terminal(project, TERM="dumb", NO_COLOR="")
