"""Verdicts on whole programs, and the report of programs that are ended from outside."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

CHURN = """
import json, sys, time
def churn():
    for number in range(40):
        json.loads(json.dumps({"k": number, "items": [number] * 20}))
end = time.monotonic() + 14
tick = 0
"""

LEAK = (
    CHURN
    + """
kept = {}
def remember(tick):
    kept[tick] = "x" * 1000 + str(tick)
while time.monotonic() < end:
    churn()
    remember(tick)
    tick += 1
    time.sleep(0.005)
"""
)

CLEAN = {
    "churn": CHURN
    + """
while time.monotonic() < end:
    churn()
    time.sleep(0.005)
""",
    "bounded cache": CHURN
    + """
import collections
cache = collections.OrderedDict()
while time.monotonic() < end:
    churn()
    cache[tick] = "x" * 1000 + str(tick)
    if len(cache) > 300:
        cache.popitem(last=False)
    tick += 1
    time.sleep(0.005)
""",
    "sawtooth": CHURN
    + """
batch = []
while time.monotonic() < end:
    churn()
    batch.append("x" * 1000 + str(tick))
    if len(batch) > 500:
        batch.clear()
    tick += 1
    time.sleep(0.005)
""",
    "start-up": CHURN
    + """
table = ["row %d" % k + "x" * 500 for k in range(20000)]
while time.monotonic() < end:
    churn()
    time.sleep(0.005)
""",
}


def leaking_line(program):
    return next(n for n, line in enumerate(program.splitlines(), 1) if "kept[tick] =" in line)


@pytest.mark.slow
def test_a_leak_in_churn_is_found_at_its_line(klg_run, tmp_path):
    ran = klg_run(LEAK, options=["--fail-on", "leak"])
    report = ran.report
    assert report["process_verdict"] == "leak", ran.stderr
    assert ran.returncode == 1
    leaks = [site for site in report["sites"] if site["verdict"] == "leak"]
    assert leaks[0]["line"] == leaking_line(LEAK)
    assert leaks[0]["file"] == str(tmp_path / "program.py")
    assert leaks[0]["function"] == "remember"
    assert [frame["function"] for frame in leaks[0]["stack"]] == ["remember", "<module>"]
    assert {site["line"] for site in leaks} == {leaking_line(LEAK)}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CLEAN))
def test_a_clean_program_is_not_called_a_leak(klg_run, name):
    ran = klg_run(CLEAN[name], options=["--fail-on", "leak"])
    assert ran.report["process_verdict"] not in {"leak", "native"}, ran.stderr
    assert ran.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "to_child"),
    [(signal.SIGTERM, False), (signal.SIGINT, False), (signal.SIGKILL, True)],
)
def test_a_run_that_is_ended_from_outside_reports(tmp_path, number, to_child):
    script = tmp_path / "program.py"
    script.write_text(LEAK.replace("+ 14", "+ 600"))
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "kimera_leakguard_native", "run", "--report", str(report)]
    process = subprocess.Popen([*command, str(script)], stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(13)
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        with open(children, encoding="ascii") as file:
            child = int(file.read().split()[0])
        os.kill(child if to_child else process.pid, number)
        _, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    result = json.loads(report.read_text(encoding="utf-8"))
    assert result["process_verdict"] == "leak", stderr
    assert ("KeyboardInterrupt" in stderr) == (number == signal.SIGINT)


def test_the_program_dies_with_the_supervisor(tmp_path):
    script = tmp_path / "program.py"
    script.write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n")
    command = [sys.executable, "-m", "kimera_leakguard_native", "run", str(script)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{child}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{child}")
