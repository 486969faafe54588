"""Every error that the package raises on purpose, in one tree."""

from __future__ import annotations


class LeakGuardError(Exception):
    """Root of the package's errors.

    Attributes
    ----------
    exit_code : int
        What a command exits with when the error ends it.
    """

    exit_code = 2


class ConfigError(LeakGuardError, ValueError):
    """A setting that does not exist or has a value that cannot be used."""


class AnalysisError(LeakGuardError):
    """Source code that cannot be analysed, or an analysis that failed."""


class RuntimeUnavailable(LeakGuardError, RuntimeError):
    """Run-time tracking cannot work in this interpreter; the message says why."""


class CudaUnavailable(LeakGuardError, RuntimeError):
    """CUDA was asked for, and there is no CUDA build, no driver or no device."""


class StaleHandle(LeakGuardError, KeyError, ValueError):
    """A handle whose record or slot is gone: released earlier, or recycled.

    A ValueError too, as for callers of the historic pools.
    """

    def __str__(self) -> str:
        """Give the message as it is; KeyError would quote it."""
        return str(self.args[0]) if self.args else ""


class DoubleFree(StaleHandle):
    """A handle that is freed again; its slot may have been handed out to somebody else since."""


class ForeignHandle(LeakGuardError, ValueError):
    """A number that this pool never handed out: a handle of another pool, or none at all."""


class SlotExhausted(LeakGuardError, MemoryError, RuntimeError):
    """Every slot of a pool is in use, or the system has no memory for more.

    A RuntimeError too, as for callers of the historic pools.
    """
