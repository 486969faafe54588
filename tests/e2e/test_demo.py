"""The closed loop: a leaking service under load recovers, or its end is forecast."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

LEAKED_A_REQUEST = 4096 + 2000
"""Bytes of a field and of a cached decision."""


def demo(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native", "demo", "--json", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_service_recovers_and_no_request_fails() -> None:
    result = demo("--seconds", "24", "--rate", "600")
    assert result["requests"] >= 10_000
    assert result["failed"] == 0
    alerted = {alert["component"] for alert in result["alerts"]}
    assert {"cognitive_field_dynamics", "decision_cache"} <= alerted
    done = [each for each in result["recoveries"] if each["outcome"] == "done"]
    assert {each["action"] for each in done} == {"field_accumulation", "cache_overflow"}
    assert sum(each["freed_mb"] for each in done) > 5
    leaked_mb = result["requests"] * LEAKED_A_REQUEST / 2**20
    assert result["end_mb"] - result["baseline_mb"] < 0.4 * leaked_mb
    assert result["peak_mb"] < result["limit_mb"]


def test_without_recovery_the_forecast_names_the_time() -> None:
    result = demo("--no-recovery", "--seconds", "120", "--rate", "600")
    assert result["failed"] == 0
    assert result["exhausted_at"] is not None
    assert all(each["outcome"] == "not allowed" for each in result["recoveries"])
    predicted = result["predicted"]
    assert predicted["made_at"] < result["exhausted_at"]
    # The interval holds four times in five, and a busy machine slows the load down meanwhile: two
    # seconds and a quarter of the time ahead are allowed on top.
    slack = 2.0 + 0.25 * (predicted["predicted_leak_time"] - predicted["made_at"])
    assert predicted["earliest"] - slack < result["exhausted_at"] < predicted["latest"] + slack
