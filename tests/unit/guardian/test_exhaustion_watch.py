"""Growth towards the limit is an alert before it is reached, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kimera_leakguard_native.guardian.alerts import AlertBook
from kimera_leakguard_native.guardian.exhaustion_watch import ExhaustionWatch
from kimera_leakguard_native.model.guardian import MemorySnapshot
from kimera_leakguard_native.runtime.forecast import detector
from kimera_leakguard_native.runtime.forecast.limits import MemoryLimit

if TYPE_CHECKING:
    import pytest

BEGIN = datetime(2026, 1, 1, 12)  # noqa: DTZ001
MB = 2**20


def test_it_warns_once_before_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    used = [0.0]
    monkeypatch.setattr(
        detector, "memory_limit", lambda: MemoryLimit(1000 * MB, round(used[0] * MB), "cgroup")
    )
    watch, book = ExhaustionWatch(), AlertBook()
    alerts = []
    for minute in range(120):
        used[0] = 300.0 + 5.0 * minute
        now = BEGIN + timedelta(minutes=minute)
        snapshot = MemorySnapshot(now, 0, 0, 0, 0, 0, used[0], 0, 0.0, 0.0)
        alerts += book.judge(watch.readings(snapshot), now, used[0])
    assert [alert.component for alert in alerts][:1] == ["exhaustion"]
    assert len(alerts) <= 2  # again after an hour
    lead = (BEGIN + timedelta(minutes=140) - alerts[0].timestamp).total_seconds() / 60
    assert 20 < lead < 70
    assert "5.0 MB/min, the limit is 1000 MB" in alerts[0].message


def test_a_flat_process_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        detector, "memory_limit", lambda: MemoryLimit(1000 * MB, 900 * MB, "cgroup")
    )
    watch, book = ExhaustionWatch(), AlertBook()
    for minute in range(120):
        now = BEGIN + timedelta(minutes=minute)
        snapshot = MemorySnapshot(now, 0, 0, 0, 0, 0, 900.0 + minute % 7, 0, 0.0, 0.0)
        assert book.judge(watch.readings(snapshot), now, 900.0) == []
