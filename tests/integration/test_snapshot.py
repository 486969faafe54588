"""`klg snapshot` asks real processes."""

from __future__ import annotations

import json
import os
import re
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

def lease(pool):
    return pool.allocate()

klg.start(sample_bytes=4096)
kept = []
pool = klg.SlotPool(256, capacity=50, name="rows\\x1b]0;x\\x07")  # made after the agent
handles = [lease(pool) for _ in range(7)]
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
    (pool,) = answer["slots"]
    assert (pool["name"], pool["device"], pool["live"], pool["capacity"]) == (
        "rows\x1b]0;x\x07",
        "cpu",
        7,
        50,
    )
    assert pool["used_bytes"] == 7 * 1024 <= pool["committed_bytes"]
    (held,) = pool["holders"]
    assert (held["line"], held["function"], held["slots"]) == (9, "lease", 7)
    assert 0 <= held["oldest_s"] < 120
    text = snapshot(environment, str(service.pid)).stdout
    assert "growing.py:6 in grow" in text
    assert r"slots rows\x1b]0;x\x07 (cpu): 7 of 50 live, 7.0 KiB of 52.0 KiB committed" in text
    assert re.search(r" 7 slots, oldest +\d+ s  .*growing.py:9 in lease", text)


def test_one_that_is_gone_is_said(environment: dict[str, str]) -> None:
    done = snapshot(environment, "4194000")
    assert done.returncode == 2
    assert "process 4194000 cannot be asked" in done.stderr


UNDER_RUN = """
import time
kept = []
def grow():
    kept.append(bytearray(2000))
print("ready", flush=True)
while True:
    for _ in range(20):
        grow()
    time.sleep(0.01)
"""


def test_a_program_under_klg_run_answers_without_knowing_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    script = tmp_path / "unaware.py"
    script.write_text(UNDER_RUN)
    command = (sys.executable, "-m", "kimera_leakguard_native", "run")
    with subprocess.Popen(
        [*command, "--sample-bytes", "4096", "--interval", "0.5", str(script)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        (pid,) = snapshot(environment).stdout.split()
        assert pid != str(process.pid)
        deadline = time.monotonic() + 60
        answer = json.loads(snapshot(environment, pid, "--json").stdout)
        while not answer["sites"]["sites"] and time.monotonic() < deadline:
            time.sleep(0.5)
            answer = json.loads(snapshot(environment, pid, "--json").stdout)
        assert answer["process"]["name"] == "unaware.py"
        assert answer["process"]["resident_bytes"] > 5_000_000
        site = answer["sites"]["sites"][0]
        assert (site["file"], site["function"]) == (str(script), "grow")
        process.terminate()
        process.communicate(timeout=60)
    assert snapshot(environment).stdout == ""


def test_a_run_goes_on_where_nobody_can_ask(environment: dict[str, str], tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    script = tmp_path / "short.py"
    script.write_text("print('done')\n")
    done = subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native", "run", str(script)],
        env={**environment, "KLG_AGENT_DIR": str(blocked)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "Traceback" not in done.stderr
    assert "Errno" not in done.stderr
