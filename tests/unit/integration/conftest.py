from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kimera_leakguard_native.guardian import shared as guardians
from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian
from kimera_leakguard_native.integration import shared as integrators
from kimera_leakguard_native.integration.integrator import KimeraLeakDetectionIntegrator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def guardian(monkeypatch: pytest.MonkeyPatch) -> Iterator[KimeraMemoryLeakGuardian]:
    """A guardian that the process shares during one test, and no integrator yet."""
    monkeypatch.delenv("KLG_DISABLE", raising=False)
    made = KimeraMemoryLeakGuardian(monitoring_interval=3600)
    monkeypatch.setattr(guardians, "_shared", made)
    monkeypatch.setattr(integrators, "_shared", None)
    yield made
    made.stop_monitoring()


@pytest.fixture
def integrator(guardian: KimeraMemoryLeakGuardian) -> KimeraLeakDetectionIntegrator:
    return KimeraLeakDetectionIntegrator(leak_guardian=guardian, patience_s=0.2)


class Clock:
    """Time that tests turn forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The monotonic clock of the integrator."""
    made = Clock()
    monkeypatch.setattr("kimera_leakguard_native.integration.integrator.time.monotonic", made)
    return made
