"""The demo's story: a service under load leaks, is noticed, and recovers; or does not."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.integration.demo.guarded import GuardedService
from kimera_leakguard_native.runtime import process
from kimera_leakguard_native.runtime.forecast.detector import PredictiveLeakDetector

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.integration.recovery.loop import RecoveringMonitoring

_MB = 2**20
_ROOM_MB = 100.0
_READINGS_S = 1.0
_LOAD = "kimera_leakguard_native.integration.demo.load"


@dataclass
class DemoResult:
    """What happened; MB are 2**20 bytes.

    Attributes
    ----------
    alerts, recoveries : list
        In the order in which they came.
    predicted : dict or None
        The forecast that was made without recovery, see `PredictiveLeakDetector`.
    exhausted_at : float or None
        Seconds since the epoch at which the limit was reached.
    """

    requests: int = 0
    failed: int = 0
    baseline_mb: float = 0.0
    peak_mb: float = 0.0
    end_mb: float = 0.0
    limit_mb: float = 0.0
    alerts: list[dict[str, Any]] = field(default_factory=list)
    recoveries: list[dict[str, Any]] = field(default_factory=list)
    predicted: dict[str, Any] | None = None
    exhausted_at: float | None = None


class Demo:
    """Runs the service, its load and its guard in one event loop.

    Parameters
    ----------
    seconds : float
        How long the load goes on; without recovery it ends when the limit is reached.
    rate : float
        Requests a second.
    recover : bool
        Whether recovery may act.
    say : callable
        Told what happens, line by line.
    """

    def __init__(
        self, seconds: float, rate: float, *, recover: bool, say: Callable[[str], object]
    ) -> None:
        self._seconds = seconds
        self._rate = rate
        self._recover = recover
        self._say = say
        self.result = DemoResult()

    async def run(self) -> DemoResult:
        """Run it to its end."""
        result = self.result
        guarded = GuardedService(recover=self._recover)
        service, monitoring = guarded.service, guarded.monitoring
        await service.start()
        guarded.warm_up()
        baseline = process.resident_bytes() / _MB
        result.baseline_mb = result.peak_mb = baseline
        result.limit_mb = baseline + _ROOM_MB
        guarded.integrator.memory_limit_mb = result.limit_mb
        self._say(f"serving on port {service.port}; {baseline:.0f} MB, limit {result.limit_mb:.0f}")
        await guarded.start_guard()
        load = await asyncio.create_subprocess_exec(
            sys.executable, "-m", _LOAD, str(service.port), str(self._seconds), str(self._rate),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            await self._watch(load, monitoring)
        finally:
            await guarded.stop_guard()
            await service.stop()
        if load.returncode is None:
            load.terminate()
        output, _ = await load.communicate()
        counts = json.loads(output) if output else {"failed": 0}
        result.requests, result.failed = service.requests, counts["failed"]
        if self._recover:
            # The last leak since the last recovery is what a next alert would have taken.
            await monitoring.recovery.recover_field_memory()
            await monitoring.recovery.recover_cache_memory()
        result.end_mb = process.resident_bytes() / _MB
        result.recoveries = [
            {
                "action": each.action,
                "outcome": each.outcome.value,
                "freed_mb": max(each.freed_bytes, each.resident_freed_bytes) / _MB,
                "seconds": each.seconds,
                "reason": each.reason,
            }
            for each in monitoring.recovery.audit.entries()
        ]
        return result

    async def _watch(
        self, load: asyncio.subprocess.Process, monitoring: RecoveringMonitoring
    ) -> None:
        """Report what happens until the load ends, or the limit is reached."""
        result = self.result
        detector = PredictiveLeakDetector(horizon_s=3600.0, limit_mb=result.limit_mb)
        told_alerts = told_recoveries = 0
        due = time.time()
        ended = asyncio.create_task(load.wait())
        while not ended.done():
            await asyncio.wait({ended}, timeout=0.1)
            used = process.resident_bytes() / _MB
            result.peak_mb = max(result.peak_mb, used)
            alerts = list(monitoring.alerts)
            for alert in alerts[told_alerts:]:
                result.alerts.append(
                    {"component": alert.context["component"], "risk": alert.value, "used_mb": used}
                )
                self._say(f"alert: {alert.message}")
            told_alerts = len(alerts)
            for each in list(monitoring.recovered)[told_recoveries:]:
                freed = max(each.freed_bytes, each.resident_freed_bytes) / _MB
                self._say(f"recovery {each.action}: {each.outcome.value}, {freed:.0f} MB freed")
            told_recoveries = len(monitoring.recovered)
            if time.time() >= due:
                due = time.time() + _READINGS_S
                found = detector.predict_future_leaks(used)
                if found and not self._recover and result.predicted is None:
                    result.predicted = {**found, "made_at": time.time()}
                    left = found["predicted_leak_time"] - time.time()
                    self._say(f"forecast: the limit is reached in {left:.0f} s")
            if not self._recover and used >= result.limit_mb:
                result.exhausted_at = time.time()
                self._say("the limit is reached: here a real service would have died")
                return
