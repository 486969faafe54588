"""`klg report` and `klg diff` on runs that really happened."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from kimera_leakguard_native.reporters import run_reading

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys, time
kept = []
def request(number):
    body = bytearray(4000)
    if len(sys.argv) > 1:
        kept.append(body)
end = time.monotonic() + 4
number = 0
while time.monotonic() < end:
    number += 1
    request(number)
    time.sleep(0.002)
"""


def klg(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    program = folder / "program.py"
    program.write_text(PROGRAM)
    healthy, leaking = folder / "healthy.json", folder / "leaking.json"
    assert klg("run", "--report", healthy, program).returncode == 0
    assert klg("run", "--report", leaking, program, "leak").returncode == 0
    return healthy, leaking


def test_a_report_is_one_file_with_everything(runs: tuple[Path, Path]) -> None:
    done = klg("report", runs[1])
    page = runs[1].with_suffix(".html")
    assert (done.returncode, done.stdout) == (0, f"{page}\n"), done.stderr
    text = page.read_text()
    assert "Plotly" in text
    assert "program.py" in text
    report = json.loads(runs[1].read_text())
    assert len(report["timeline"]) >= 2
    again = klg("report", runs[1])
    assert again.returncode == 2
    assert "-f writes over it" in again.stderr
    assert klg("report", "-f", runs[1]).returncode == 0


def test_a_diff_names_the_site_that_only_one_run_has(runs: tuple[Path, Path]) -> None:
    found = json.loads(klg("diff", "--json", *runs).stdout)
    rows = [row for row in found["sites"] if row["after"] and row["after"]["function"] == "request"]
    assert max(row["live_change_bytes"] for row in rows) > 1_000_000
    assert klg("diff", runs[0], runs[0]).returncode == 0
    assert "in request" in klg("diff", *runs).stdout


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sites": 7}', '{"duration_s": "long"}'])
def test_what_is_no_report_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    for arguments in (("report", path), ("diff", path, path)):
        done = klg(*arguments)
        assert done.returncode == 2
        assert "is no report and no capture of klg run" in done.stderr
    assert not path.with_suffix(".html").exists()


def test_a_capture_outlives_the_supervisor(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("+ 4", "+ 600"))
    capture = tmp_path / "run.klg"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "kimera_leakguard_native", "run", "--interval", "0.2"),
            *("--capture", str(capture), str(program), "leak"),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(5)
    finally:
        process.kill()
        process.wait()
    capture.write_bytes(capture.read_bytes()[:-1])  # as if it had been killed while it wrote
    done = klg("report", capture)
    assert done.returncode == 0, done.stderr
    assert "program.py" in capture.with_suffix(".html").read_text()
    assert klg("diff", capture, capture).returncode == 0


def test_a_run_that_ends_has_its_last_state_in_the_capture(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("+ 4", "+ 1"))
    capture, report = tmp_path / "run.klg", tmp_path / "run.json"
    command = ("run", "--capture", capture, "--report", report, program)
    assert klg(*command).returncode == 0
    assert run_reading.read(capture) == run_reading.read(report)
    size = capture.stat().st_size
    assert klg(*command).returncode == 0
    assert capture.stat().st_size > size
    assert run_reading.read(capture) == run_reading.read(report)


def test_a_capture_that_cannot_be_written_leaves_the_program_alone(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import shutil, sys, time\n"
        "time.sleep(0.5)\n"
        "shutil.rmtree(sys.argv[1])\n"
        "time.sleep(2)\n"
        "print('done')\n"
    )
    folder = tmp_path / "captures"
    folder.mkdir()
    done = klg("run", "--interval", "0.1", "--capture", folder / "run.klg", program, folder)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert done.stderr.count("is not kept any more") == 1
    assert "the end of the run is not in the capture" in done.stderr
    assert "Traceback" not in done.stderr
