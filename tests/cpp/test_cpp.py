"""Builds and runs the C++ tests, where the machine has what they need."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_cpp_tests_pass():
    for tool in ("cmake", "ninja", "ctest"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if not Path("/usr/include/gtest/gtest.h").exists():
        pytest.skip("GoogleTest is not installed (Debian: libgtest-dev)")
    done = subprocess.run(
        ["cmake", "--workflow", "--preset", "default"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "100% tests passed" in done.stdout
