"""`klg snapshot` asks real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = """
import sys, time
import kimera_leakguard_native as klg

def grow(kept):
    kept.append(bytearray(2000))

klg.start(sample_bytes=4096)
kept = []
print("ready", flush=True)
while True:
    for _ in range(20):
        grow(kept)
    time.sleep(0.01)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "KLG_AGENT_DIR": str(tmp_path / "sockets")}


@pytest.fixture
def service(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    script = tmp_path / "growing.py"
    script.write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def snapshot(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native", "snapshot", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_running_process_says_what_grows(
    service: subprocess.Popen[str], environment: dict[str, str]
) -> None:
    deadline = time.monotonic() + 30
    listed = ""
    while str(service.pid) not in listed and time.monotonic() < deadline:
        listed = snapshot(environment).stdout
    assert listed.split() == [str(service.pid)]
    answer = json.loads(snapshot(environment, str(service.pid), "--json").stdout)
    assert answer["pid"] == service.pid
    assert answer["process"]["name"] == "growing.py"
    while not answer["sites"]["sites"] and time.monotonic() < deadline:
        time.sleep(2.1)
        answer = json.loads(snapshot(environment, str(service.pid), "--json").stdout)
    largest = max(answer["sites"]["sites"], key=lambda site: site["live_bytes"])
    assert (largest["function"], largest["line"]) == ("grow", 6)
    text = snapshot(environment, str(service.pid)).stdout
    assert "growing.py:6 in grow" in text


def test_one_that_is_gone_is_said(environment: dict[str, str]) -> None:
    done = snapshot(environment, "4194000")
    assert done.returncode == 2
    assert "process 4194000 cannot be asked" in done.stderr
