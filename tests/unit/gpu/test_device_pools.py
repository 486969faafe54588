"""Pools on a device, over a fake of the CUDA driver: this says nothing about a real device.

The driver's library is looked up by its name when a process first needs it, so what is tested
against the fake runs in a process of its own: `fake_device/device_pools.py`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kimera_leakguard_native import _core

HERE = Path(__file__).parent / "fake_device"


@pytest.mark.skipif(not _core.cuda.built(), reason="a CPU-only build looks for no driver")
@pytest.mark.skipif(shutil.which("g++") is None, reason="the fake needs g++")
def test_pools_on_a_fake_device(tmp_path):
    library = tmp_path / "libcuda.so.1"
    source = HERE / "libcuda.cpp"
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(
        ["g++", *flags, f"-Wl,-soname,{library.name}", "-o", library, source], check=True
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / "device_pools.py"],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
