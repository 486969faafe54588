"""An alert before memory runs out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kimera_leakguard_native.guardian.alerts import Reading
from kimera_leakguard_native.runtime.forecast.detector import ALARM, PredictiveLeakDetector

if TYPE_CHECKING:
    from kimera_leakguard_native.model.guardian import MemorySnapshot


class ExhaustionWatch:
    """Forecasts from each snapshot whether the limit will be reached within an hour."""

    def __init__(self) -> None:
        self._detector = PredictiveLeakDetector()

    def readings(self, snapshot: MemorySnapshot) -> list[Reading]:
        """Give the probability as a reading."""
        found = self._detector.predict_future_leaks(snapshot)
        if found is None:
            return [Reading("exhaustion", "CRITICAL", 0.0, ALARM, "")]
        now = snapshot.timestamp.timestamp()
        minutes = [(found[key] - now) / 60 for key in ("predicted_leak_time", "earliest", "latest")]
        until = f"{minutes[2]:.0f}" if math.isfinite(minutes[2]) else "more"
        return [
            Reading(
                "exhaustion",
                "CRITICAL",
                found["confidence"],
                ALARM,
                f"memory will be exhausted in about {minutes[0]:.0f} min (between {minutes[1]:.0f}"
                f" and {until}), probability {found['confidence']:.2f}: it grows by"
                f" {found['growth_mb_per_min']:.1f} MB/min,"
                f" the limit is {found['memory_limit_mb']:.0f} MB",
                ("restart or shed load in time", "see which sites grow: `klg.verdicts()`"),
            )
        ]
