"""Bars show on a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SLOW = """
import time
from kimera_leakguard_native.cli.progress import Progress
with Progress("working") as progress:
    for done in range(1, 8):
        time.sleep(0.15)
        if done == 5:
            progress.echo("half of it")
        progress(done, 7)
"""


def on_terminal(*arguments: str, **environment: str) -> tuple[str, str]:
    """Run Python with a terminal for its errors; give what it printed, and what that showed."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "TERM": "xterm", **environment},
        stdout=subprocess.PIPE,
        stderr=follower,
        text=True,
    ) as process:
        os.close(follower)
        assert process.stdout is not None
        printed = process.stdout.read()
        shown = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # that is how Linux says that the other end has closed
                break
            if not part:
                break
            shown += part
    os.close(leader)
    return printed, shown.decode()


def test_a_bar_is_drawn_and_removed() -> None:
    printed, shown = on_terminal("-c", SLOW)
    assert printed == "half of it\n"
    assert "working" in shown
    assert "100%" in shown
    assert shown.endswith("\r\x1b[K")


def test_what_is_quick_has_none() -> None:
    printed, shown = on_terminal("-c", SLOW.replace("0.15", "0.001"))
    assert printed == "half of it\n"
    assert shown == ""


def test_a_dumb_terminal_has_none() -> None:
    assert on_terminal("-c", SLOW, TERM="dumb")[1] == ""


def test_a_pipe_has_none() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SLOW], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("half of it\n", "")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_long_check_has_one(tmp_path: Path, jobs: str) -> None:
    opens = "    with open(p) as file:\n        return file.read()\n\n"
    body = "".join(f"def f{n}(p):\n{opens}" for n in range(60))  # a second's work and more
    for number in range(64):
        (tmp_path / f"module_{number}.py").write_text(body)
    klg = ("-m", "kimera_leakguard_native", "check", "--no-cache", "--jobs", jobs, str(tmp_path))
    printed, shown = on_terminal(*klg)
    assert "checking" in shown
    assert "checking" not in printed
