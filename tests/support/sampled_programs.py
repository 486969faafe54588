"""Programs that sample themselves, in processes of their own."""

import os
import subprocess
import sys
import textwrap


def run_python(program, *flags, arguments=(), warnings="error", **environment):
    """Run a program that must end well; give what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", warnings, *flags, "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


KNOWN_TOTAL = """
import itertools, sys
from kimera_leakguard_native import _core
sampler = _core.sampler
def check(make, count, each, mean=4096.0):
    sampler.start(mean_bytes=mean)
    for _ in itertools.repeat(None, count):
        make()
    sampler.stop()
    totals = sampler.own_capture().totals()
    error = totals["allocated_bytes"] - count * each
    deviation = totals["allocated_standard_error"]
    assert abs(error) <= 5 * deviation + 20_000, (make, error, deviation)
    assert totals["points"] >= 0.8 * count * each / mean, totals
    assert totals["samples"] == totals["freed"] + totals["live"], totals
    return totals
small, large = bytes(100).__sizeof__(), bytes(3000).__sizeof__()
"""
