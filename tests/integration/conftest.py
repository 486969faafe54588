import ctypes.util
import json
import os
import subprocess
import sys

import pytest


class Ran:
    """A finished `klg run`."""

    def __init__(self, done, report):
        self.returncode = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr
        self._report = report

    @property
    def report(self):
        return json.loads(self._report.read_text(encoding="utf-8"))


@pytest.fixture
def klg_run(tmp_path):
    """Run a program's text under `klg run` with options before and arguments after it."""

    def run(program, *arguments, options=(), name="program.py", **keywords):
        script = tmp_path / name
        if program is not None:
            script.write_text(program, encoding="utf-8")
        report = tmp_path / "report.json"
        command = [sys.executable, "-m", "kimera_leakguard_native", "run", "--report", str(report)]
        done = subprocess.run(
            [*command, *options, str(script), *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=keywords.pop("cwd", tmp_path),
            **keywords,
        )
        return Ran(done, report)

    return run


@pytest.fixture
def jemalloc():
    """Give an environment in which jemalloc stands in front of the C library's allocator."""
    library = os.environ.get("KLG_TEST_JEMALLOC") or ctypes.util.find_library("jemalloc")
    if library is None:
        pytest.skip("no jemalloc (Debian: libjemalloc2; or name the library in KLG_TEST_JEMALLOC)")
    return {**os.environ, "LD_PRELOAD": library}
