"""The one integrator that a process shares."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kimera_leakguard_native.integration.integrator import KimeraLeakDetectionIntegrator

if TYPE_CHECKING:
    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian

_lock = threading.Lock()
_shared: KimeraLeakDetectionIntegrator | None = None


def get_leak_detection_integrator() -> KimeraLeakDetectionIntegrator:
    """Give the integrator of this process; the first call makes it with the defaults.

    Components that announce themselves are registered with it, those that exist already too.
    """
    global _shared  # noqa: PLW0603 - this is the shared one
    integrator = _shared
    if integrator is None:
        with _lock:
            if _shared is None:
                _shared = KimeraLeakDetectionIntegrator()
                _shared.register_announced()
            integrator = _shared
    return integrator


async def initialize_kimera_leak_detection() -> KimeraLeakDetectionIntegrator:
    """Register every component of the process, also those to come, and start monitoring.

    The global memory pool is one of them: it is made if nobody has done so, which commits no
    memory yet.
    """
    from kimera_leakguard_native.engines.leak_safe_pool import get_global_memory_pool

    integrator = get_leak_detection_integrator()
    integrator.register_component("gpu_memory_pool", get_global_memory_pool())
    await integrator.start_integrated_monitoring()
    return integrator


class LeakDetectionIntegration:
    """Joins a guardian with the components of the process.

    Parameters
    ----------
    guardian : KimeraMemoryLeakGuardian, optional
        That of the process by default.
    """

    def __init__(self, guardian: KimeraMemoryLeakGuardian | None = None) -> None:
        self.guardian = guardian

    def integrate_with_kimera_core(self) -> KimeraLeakDetectionIntegrator:
        """Give the process's integrator with every component registered that exists."""
        integrator = get_leak_detection_integrator()
        if self.guardian is not None:
            integrator.leak_guardian = self.guardian
        return integrator
