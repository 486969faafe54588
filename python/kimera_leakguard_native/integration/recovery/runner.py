"""Runs recovery actions within their limits, and measures what they did."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from kimera_leakguard_native.integration.recovery.action import Outcome, RecoveryResult
from kimera_leakguard_native.runtime import process

if TYPE_CHECKING:
    from kimera_leakguard_native.integration.recovery.action import RecoveryAction
    from kimera_leakguard_native.integration.recovery.audit import AuditTrail


class ActionRunner:
    """Runs each action at most once at a time, and not before it has cooled down.

    Parameters
    ----------
    audit : AuditTrail
        Where every result goes, also that of what was not done.
    """

    def __init__(self, audit: AuditTrail) -> None:
        self._audit = audit
        self._ended: dict[str, float] = {}
        self._running: set[str] = set()
        self._lock = threading.Lock()

    async def run(self, action: RecoveryAction, *, dry_run: bool = False) -> RecoveryResult:
        """Run an action on a thread, so that the event loop goes on; never raises."""
        result = await self._attempt(action, dry_run=dry_run)
        self._audit.add(result)
        return result

    def refuse(self, action: str, reason: str) -> RecoveryResult:
        """Note that an action was asked for and is not allowed."""
        result = RecoveryResult(action, Outcome.NOT_ALLOWED, timestamp=time.time(), reason=reason)
        self._audit.add(result)
        return result

    async def _attempt(self, action: RecoveryAction, *, dry_run: bool) -> RecoveryResult:
        now = time.time()
        try:
            reason = await asyncio.to_thread(action.precondition)
            if reason:
                return RecoveryResult(action.name, Outcome.NOT_NEEDED, timestamp=now, reason=reason)
            if dry_run:
                size = await asyncio.to_thread(action.measure)
                return RecoveryResult(
                    action.name, Outcome.DRY_RUN, timestamp=now, reason=f"would act on {size} bytes"
                )
        except Exception as error:  # noqa: BLE001 - recovery must never make things worse
            return RecoveryResult(action.name, Outcome.FAILED, timestamp=now, reason=repr(error))
        waiting = self._begin(action)
        if waiting:
            return RecoveryResult(action.name, Outcome.COOLING_DOWN, timestamp=now, reason=waiting)
        work = asyncio.get_running_loop().run_in_executor(None, self._measured, action, now)
        try:
            return await asyncio.wait_for(asyncio.shield(work), action.budget_s)
        except asyncio.TimeoutError:
            return RecoveryResult(
                action.name,
                Outcome.OVER_BUDGET,
                seconds=action.budget_s,
                timestamp=now,
                reason=f"not done after {action.budget_s:g} s; it goes on by itself",
            )

    def _begin(self, action: RecoveryAction) -> str:
        """Mark an action as running; give the reason why it may not."""
        with self._lock:
            if action.name in self._running:
                return "still running"
            ended = self._ended.get(action.name)
            if ended is not None:
                left = action.cool_down_s - (time.monotonic() - ended)
                if left > 0:
                    return f"{left:.0f} s left"
            self._running.add(action.name)
            return ""

    def _measured(self, action: RecoveryAction, now: float) -> RecoveryResult:
        start = time.perf_counter()
        try:
            resident, size = process.resident_bytes(), action.measure()
            detail = action.run()
            return RecoveryResult(
                action.name,
                Outcome.DONE,
                freed_bytes=max(0, size - action.measure()),
                resident_freed_bytes=max(0, resident - process.resident_bytes()),
                seconds=time.perf_counter() - start,
                timestamp=now,
                detail=detail,
            )
        except Exception as error:  # noqa: BLE001 - recovery must never make things worse
            return RecoveryResult(
                action.name,
                Outcome.FAILED,
                seconds=time.perf_counter() - start,
                timestamp=now,
                reason=repr(error),
            )
        finally:
            with self._lock:
                self._running.discard(action.name)
                self._ended[action.name] = time.monotonic()
