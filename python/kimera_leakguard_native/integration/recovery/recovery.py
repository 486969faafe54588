"""`AutomatedLeakRecovery`: what can be done about a leak while the process goes on."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.integration.components.reading import (
    committed_bytes,
    read_component,
)
from kimera_leakguard_native.integration.recovery import heap
from kimera_leakguard_native.integration.recovery.action import (
    Outcome,
    RecoveryAction,
    RecoveryResult,
)
from kimera_leakguard_native.integration.recovery.audit import AuditTrail
from kimera_leakguard_native.integration.recovery.policy import RecoveryPolicy
from kimera_leakguard_native.integration.recovery.runner import ActionRunner
from kimera_leakguard_native.integration.shared import get_leak_detection_integrator
from kimera_leakguard_native.runtime import process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kimera_leakguard_native.integration.integrator import KimeraLeakDetectionIntegrator


class AutomatedLeakRecovery:
    """Recovers memory, within what the owner of the process allows.

    Awaiting a ``recover_…`` method is consent to what it says. `recover` is for whoever acts
    without asking, such as an alert: it does only what the policy allows.

    Parameters
    ----------
    integrator : KimeraLeakDetectionIntegrator, optional
        Whose components are acted upon; that of the process by default.
    policy : RecoveryPolicy, optional
        Allows nothing by default.
    audit_path : Path, optional
        Where the audit trail is appended, as JSON lines.
    cool_down_s, budget_s : float
        Seconds between two runs of one action, and seconds that one is waited for.

    Attributes
    ----------
    recovery_strategies : dict of str to coroutine function
        By name; each takes a leak report, which may be None, and gives a `RecoveryResult`.
    audit : AuditTrail
        Everything that was asked for.
    """

    def __init__(
        self,
        integrator: KimeraLeakDetectionIntegrator | None = None,
        policy: RecoveryPolicy | None = None,
        *,
        audit_path: str | Path | None = None,
        cool_down_s: float = 60.0,
        budget_s: float = 10.0,
    ) -> None:
        self.integrator = integrator or get_leak_detection_integrator()
        self.policy = policy or RecoveryPolicy()
        self.audit = AuditTrail(audit_path)
        self._runner = ActionRunner(self.audit)
        self._limits = {"cool_down_s": cool_down_s, "budget_s": budget_s}
        self._clearers: dict[str, Callable[[], object]] = {}
        self._recycle: Callable[[], object] | None = None
        self.recovery_strategies = {
            "gpu_memory_leak": self.recover_gpu_memory,
            "cache_overflow": self.recover_cache_memory,
            "field_accumulation": self.recover_field_memory,
            "garbage_collection": self.collect_garbage,
            "heap_trim": self.trim_heap,
            "worker_recycle": self.recycle_worker,
        }

    def register_cache(self, name: str, clear: Callable[[], object]) -> None:
        """Have `recover_cache_memory` call a function that empties a cache of the host's."""
        self._clearers[name] = clear

    def on_recycle(self, callback: Callable[[], object]) -> None:
        """Have `recycle_worker` call a function, instead of sending the policy's signal."""
        self._recycle = callback

    async def recover(self, strategy: str, leak_report: Any = None) -> RecoveryResult:
        """Run a strategy if the policy allows it; a refusal is a result too.

        Raises
        ------
        KeyError
            There is no such strategy.
        """
        run = self.recovery_strategies[strategy]
        if strategy not in self.policy.allowed:
            return self._runner.refuse(strategy, "the policy does not allow it")
        return await run(leak_report)

    async def recover_gpu_memory(self, leak_report: Any = None) -> RecoveryResult:
        """Return cached blocks to the device, and free pages of the pools to the system.

        Fields are compacted too. Nothing that is in use is touched.
        """
        del leak_report
        return await self._run("gpu_memory_leak", _nothing, self._shrink, self._pool_bytes)

    async def recover_cache_memory(self, leak_report: Any = None) -> RecoveryResult:
        """Drop outlived entries of the components' caches, and clear the registered caches."""
        del leak_report
        return await self._run(
            "cache_overflow", self._no_caches, self._clear_caches, process.resident_bytes
        )

    async def recover_field_memory(self, leak_report: Any = None) -> RecoveryResult:
        """Remove the oldest fields above a component's bound, or above the policy's `keep_fields`.

        A component that had no bound has that one from then on.
        """
        del leak_report
        return await self._run(
            "field_accumulation", self._no_fields, self._limit_fields, self._field_bytes
        )

    async def collect_garbage(self, leak_report: Any = None) -> RecoveryResult:
        """Run the garbage collector; other threads stand still meanwhile."""
        del leak_report
        return await self._run("garbage_collection", _nothing, heap.collect, process.resident_bytes)

    async def trim_heap(self, leak_report: Any = None) -> RecoveryResult:
        """Have the C allocator give free pages back."""
        del leak_report
        return await self._run("heap_trim", _cannot_trim, heap.trim, process.resident_bytes)

    async def recycle_worker(self, leak_report: Any = None) -> RecoveryResult:
        """Ask for this process to be replaced: by the callback, else by the policy's signal."""
        del leak_report
        return await self._run(
            "worker_recycle", self._cannot_recycle, self._recycled, process.resident_bytes
        )

    async def compact_cognitive_fields(self) -> int:
        """Give free pages of the fields' components back; say how many bytes."""
        return sum(each.compact() for each in self._offering("compact"))

    def _verify_recovery(self) -> bool:
        """Whether the last action that was done has freed something."""
        done = [each for each in self.audit.entries() if each.outcome is Outcome.DONE]
        return bool(done) and done[-1].success

    async def _run(
        self,
        name: str,
        precondition: Callable[[], str],
        run: Callable[[], Any],
        measure: Callable[[], int],
    ) -> RecoveryResult:
        action = RecoveryAction(name, precondition, run, measure, **self._limits)
        return await self._runner.run(action, dry_run=self.policy.dry_run)

    # What the actions do

    def _offering(self, method: str) -> list[Any]:
        components = self.integrator.monitored_components.values()
        return [each for each in components if callable(getattr(each, method, None))]

    def _shrink(self) -> dict[str, int]:
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        given = {"pools": 0, "fields": 0}
        for pool in self._offering("optimize_memory_layout"):
            given["pools"] += int(pool.optimize_memory_layout() or 0)
        for fields in self._offering("compact"):
            given["fields"] += int(fields.compact() or 0)
        return given

    def _pool_bytes(self) -> int:
        return sum(map(committed_bytes, self.integrator.monitored_components.values()))

    def _caches(self) -> list[Any]:
        owned = [
            getattr(each, "decision_cache", None)
            for each in self.integrator.monitored_components.values()
        ]
        return [
            *self._offering("cleanup_old_entries"),
            *(each for each in owned if callable(getattr(each, "cleanup_old_entries", None))),
        ]

    def _no_caches(self) -> str:
        return "" if self._clearers or self._caches() else "no component has a cache to clean up"

    def _clear_caches(self) -> dict[str, int]:
        removed = sum(int(cache.cleanup_old_entries() or 0) for cache in self._caches())
        for clear in list(self._clearers.values()):
            clear()
        heap.trim()
        return {"outlived_entries": removed, "cleared_caches": len(self._clearers)}

    def _fields(self) -> list[tuple[Any, int]]:
        """Give the components with more fields than they should have, and how many they may."""
        found = []
        for each in self._offering("limit_fields"):
            most = getattr(each, "max_fields", None) or self.policy.keep_fields
            if most is not None and each.field_count > most:
                found.append((each, most))
        return found

    def _no_fields(self) -> str:
        if self._fields():
            return ""
        if self.policy.keep_fields is None and self._offering("limit_fields"):
            return "no bound is known: set max_fields, or the policy's keep_fields"
        return "no component has more fields than it should"

    def _limit_fields(self) -> int:
        removed = 0
        for component, most in self._fields():
            removed += component.limit_fields(most)
            if callable(getattr(component, "compact", None)):
                component.compact()
        return removed

    def _field_bytes(self) -> int:
        return sum(read_component(each).memory_bytes for each in self._offering("limit_fields"))

    def _cannot_recycle(self) -> str:
        if self._recycle is None and self.policy.recycle_signal is None:
            return "no on_recycle callback, and the policy has no recycle_signal"
        return ""

    def _recycled(self) -> str:
        if self._recycle is not None:
            self._recycle()
            return "called back"
        chosen = self.policy.recycle_signal or signal.SIGTERM
        os.kill(os.getpid(), chosen)
        return f"sent {chosen.name}"


def _nothing() -> str:
    return ""


def _cannot_trim() -> str:
    return "" if heap.can_trim() else "the C library has no malloc_trim"
