from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.integration import rollout


@pytest.mark.parametrize(
    ("flag", "on"), [("true", True), ("TRUE", True), ("1", False), ("yes", False), ("", False)]
)
def test_only_true_turns_it_on(flag: str, on: bool) -> None:
    assert rollout.is_enabled({rollout.FLAG: flag}) is on


def test_without_the_flag_it_is_off() -> None:
    assert rollout.is_enabled({}) is False


def chosen(share: float) -> set[int]:
    return {
        number
        for number in range(2000)
        if rollout.is_enabled(
            {
                rollout.FLAG: "true",
                rollout.SHARE: str(share),
                rollout.INSTANCE: f"worker-{number}",
            }
        )
    }


def test_a_share_is_stable_about_right_and_grows_by_joining() -> None:
    few, many = chosen(0.1), chosen(0.5)
    assert few == chosen(0.1)
    assert few < many
    assert 150 < len(few) < 250
    assert chosen(0.0) == set()
    assert len(chosen(1.0)) == 2000


@pytest.mark.parametrize("share", ["half", "1.5", "-0.1", "nan"])
def test_a_wrong_share_is_named(share: str) -> None:
    with pytest.raises(ConfigError, match="KIMERA_LEAK_DETECTION_SHARE"):
        rollout.is_enabled({rollout.FLAG: "true", rollout.SHARE: share})


def test_the_kill_switch_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLG_DISABLE", "1")
    assert rollout.is_enabled({rollout.FLAG: "true"}) is False


def test_enabled_it_monitors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(rollout.FLAG, "true")

    async def main() -> None:
        integrator = await rollout.enable_leak_detection()
        assert integrator is not None
        assert integrator.is_monitoring
        assert "gpu_memory_pool" in integrator.monitored_components
        await integrator.stop_integrated_monitoring()

    asyncio.run(main())


def test_off_means_no_thread_no_hook_and_no_engine() -> None:
    program = """
import asyncio, sys, threading
from kimera_leakguard_native.integration.rollout import enable_leak_detection
assert asyncio.run(enable_leak_detection()) is None
assert threading.active_count() == 1
assert "kimera_leakguard_native._core" not in sys.modules, "the native part is not even loaded"
assert "numpy" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
