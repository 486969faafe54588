"""Optimizations that components offer: called, measured, and remembered with what they did."""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections import deque
from operator import attrgetter
from typing import Any

from kimera_leakguard_native.integration.components.protocols import FREEING, offered
from kimera_leakguard_native.integration.components.reading import (
    committed_bytes,
    read_component,
)
from kimera_leakguard_native.model.integration import SystemOptimizationResult

_LOG = logging.getLogger(__name__)
_MB = 2**20
_KEPT = 1000
_COOL_DOWN_S = 300.0
"""What did not help is not tried again on the same component before so long."""


class Optimizer:
    """Calls what components offer, and keeps the measured results.

    Attributes
    ----------
    performed : int
        Optimizations ever made.
    """

    def __init__(self) -> None:
        self._history: deque[SystemOptimizationResult] = deque(maxlen=_KEPT)
        self._useless_since: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self.performed = 0

    @property
    def history(self) -> list[SystemOptimizationResult]:
        """The last thousand results, oldest first."""
        with self._lock:
            return list(self._history)

    def optimize(
        self, name: str, component: Any, methods: tuple[str, ...] = FREEING
    ) -> list[SystemOptimizationResult]:
        """Call those of the methods that a component offers and that are not cooling down."""
        results = []
        with self._lock:
            recent = time.monotonic() - _COOL_DOWN_S
            self._useless_since = {
                key: since for key, since in self._useless_since.items() if since > recent
            }
        for method in offered(component, methods):
            key = (name, method)
            if key in self._useless_since:
                continue
            result = measured(f"{name}.{method}", component, method)
            with self._lock:
                self.performed += 1
                self._history.append(result)
                if result.success:
                    self._useless_since.pop(key, None)
                else:
                    self._useless_since[key] = time.monotonic()
            results.append(result)
        return results


def measured(kind: str, component: Any, method: str) -> SystemOptimizationResult:
    """Call a method without arguments, and compare the component before and after it."""
    start = time.perf_counter()
    finished = False
    freed = faster = 0.0
    gone = 0
    try:
        before, committed = read_component(component), committed_bytes(component)
        latency = _milliseconds(outcome := attrgetter(method)(component)())
        if inspect.isawaitable(outcome):
            _discard(outcome)
            raise TypeError(f"{kind}: is a coroutine function; offer a plain method")
        after = read_component(component)
        # What it says that it freed is not believed: its memory and its commitment are compared.
        freed = max(
            before.memory_bytes - after.memory_bytes, committed - committed_bytes(component)
        )
        gone = max(0, before.allocation_count - after.allocation_count)
        faster = latency or _faster(before.latency_ms, after.latency_ms)
        finished = True
    except Exception as error:  # noqa: BLE001 - a component's failure must not end a pass
        _LOG.warning("optimization %s failed: %r", kind, error)
    return SystemOptimizationResult(
        optimization_type=kind,
        performance_improvement=faster,
        memory_freed_mb=max(0.0, freed) / _MB,
        leaks_fixed=gone,
        execution_time_ms=1e3 * (time.perf_counter() - start),
        success=finished and (freed > 0 or gone > 0 or faster > 0),
    )


def _milliseconds(outcome: Any) -> float:
    """Read what `optimize_performance` measured itself: per cent less time than the slower way."""
    if not isinstance(outcome, dict):
        return 0.0
    times = [value for name, value in outcome.items() if str(name).endswith("_ms")]
    if len(times) < 2 or not all(isinstance(value, (int, float)) for value in times):
        return 0.0
    return 100.0 * (1.0 - min(times) / max(times)) if max(times) > 0 else 0.0


def _faster(before_ms: float | None, after_ms: float | None) -> float:
    if not before_ms or after_ms is None:
        return 0.0
    return max(0.0, 100.0 * (1.0 - after_ms / before_ms))


def _discard(awaitable: Any) -> None:
    close = getattr(awaitable, "close", None)
    if close is not None:
        close()
