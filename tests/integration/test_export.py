"""`klg export` of real runs and of a running process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from pprof_messages import decode, samples

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import os, sys, time
kept = []

def keep():
    kept.append(bytearray(20_000))

def drop():
    bytearray(30_000)

def child():
    pid = os.fork()
    if pid == 0:
        for _ in range(300):
            keep()
        os._exit(0)
    os.waitpid(pid, 0)

for _ in range(500):
    keep()
    drop()
    time.sleep(0.002)
if sys.argv[1:] == ["fork"]:
    child()
if sys.argv[1:] == ["wait"]:
    import kimera_leakguard_native as klg
    klg.start(sample_bytes=4096)
    for _ in range(500):
        keep()
        drop()
    print("ready", flush=True)
    sys.stdin.read()
"""


def klg(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native", *arguments],
        cwd=folder,
        env={**os.environ, "KLG_AGENT_DIR": str(folder / "sockets")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


def innermost(path: Path) -> dict[str, list[int]]:
    return {stack[0][0]: values for stack, values in samples(decode(path.read_bytes())).items()}


@pytest.mark.parametrize("kind", ["--report", "--capture"])
def test_a_run_shows_what_was_allocated_and_what_was_kept(folder: Path, kind: str) -> None:
    klg(folder, "run", "--sample-bytes", "4096", kind, "run.json", "program.py")
    done = klg(folder, "export", "run.json", "--to", "pprof")
    assert done.stdout == "run.pb.gz\n", done.stderr
    found = innermost(folder / "run.pb.gz")
    assert found["keep"][1] == pytest.approx(500 * 20_057, rel=0.1)
    assert found["drop"][1] == pytest.approx(500 * 30_057, rel=0.1)
    if kind == "--report":  # the last record of a capture may be of a moment before the end
        assert found["keep"][3] == pytest.approx(500 * 20_057, rel=0.15)
    assert found.get("drop", [0] * 4)[3] <= 100_000


def test_forked_children_add_up(folder: Path) -> None:
    klg(
        folder,
        *("run", "--follow-fork", "--sample-bytes", "4096", "--report", "run.json"),
        *("program.py", "fork"),
    )
    assert klg(folder, "export", "run.json").returncode == 0
    kept = [
        values
        for stack, values in samples(decode((folder / "run.pb.gz").read_bytes())).items()
        if stack[0][0] == "keep"
    ]
    assert len(kept) == 2
    assert sum(values[1] for values in kept) == pytest.approx(800 * 20_057, rel=0.1)


def test_a_running_process(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "program.py", "wait"],
        cwd=folder,
        env={**os.environ, "KLG_AGENT_DIR": str(folder / "sockets")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(50):
            done = klg(folder, "export", str(process.pid))
            if done.returncode == 0:
                break
        assert done.stdout == f"heap-{process.pid}.pb.gz\n", done.stderr
        again = klg(folder, "export", str(process.pid))
        assert again.returncode == 2
        assert "exists: -f writes over it" in again.stderr
        text = klg(folder, "export", str(process.pid), "--to", "collapsed", "-o", "live.txt")
        assert text.returncode == 0, text.stderr
        # A profile is large: it is no part of an answer that nobody has asked for.
        snapshot = klg(folder, "snapshot", str(process.pid), "--json")
        assert "heap" not in json.loads(snapshot.stdout)
        process.communicate("")
    found = innermost(folder / f"heap-{process.pid}.pb.gz")
    assert found["keep"][3] == pytest.approx(500 * 20_057, rel=0.15)
    assert found["drop"][1] == pytest.approx(500 * 30_057, rel=0.1)
    live = [line for line in (folder / "live.txt").read_text().splitlines() if "keep (" in line]
    assert len(live) == 1
    assert int(live[0].rpartition(" ")[2]) == pytest.approx(500 * 20_057, rel=0.15)


def test_what_has_no_profile_is_refused(folder: Path) -> None:
    (folder / "old.json").write_text(
        '{"duration_s": 1, "samples": 0, "sample_bytes_effective": 1,'
        ' "allocated_bytes_estimate": 0, "overhead": {}, "process": {}}'
    )
    for source, reason in [
        ("old.json", "no heap profile"),
        ("missing.json", "cannot read"),
        ("program.py", "no report and no capture"),
        ("4194303", "cannot be asked"),
    ]:
        done = klg(folder, "export", source)
        assert done.returncode == 2, source
        assert reason in done.stderr
        assert "Traceback" not in done.stderr
