"""The audit trail: every recovery that was asked for, with what became of it."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from kimera_leakguard_native.integration.recovery.action import RecoveryResult

_KEPT = 1000
_LOG = logging.getLogger(__name__)


class AuditTrail:
    """Keeps the last thousand results, and appends each to a file where one is named.

    Parameters
    ----------
    path : Path, optional
        One JSON object a line, appended in one write. Where writing fails, that is logged once and
        counted, and recovery goes on.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = path
        self._kept: deque[RecoveryResult] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()
        self.lost = 0

    def add(self, result: RecoveryResult) -> None:
        """Keep a result."""
        with self._lock:
            self._kept.append(result)
            if self._path is not None:
                self._append(result)
        _LOG.info(
            "recovery %s: %s, %d bytes freed in %.3f s%s",
            result.action,
            result.outcome.value,
            result.freed_bytes,
            result.seconds,
            f" ({result.reason})" if result.reason else "",
        )

    def entries(self) -> list[RecoveryResult]:
        """Give what is kept, oldest first."""
        with self._lock:
            return list(self._kept)

    def _append(self, result: RecoveryResult) -> None:
        line = json.dumps(
            {
                "timestamp": result.timestamp,
                "pid": os.getpid(),
                "action": result.action,
                "outcome": result.outcome.value,
                "freed_bytes": result.freed_bytes,
                "resident_freed_bytes": result.resident_freed_bytes,
                "seconds": result.seconds,
                "reason": result.reason,
            }
        )
        try:
            descriptor = os.open(
                self._path or "", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                os.write(descriptor, f"{line}\n".encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            self.lost += 1
            if self.lost == 1:
                _LOG.warning("audit trail %s: %s; entries stay in memory only", self._path, error)
