"""The memory limit that applies to this process, read from the kernel."""

from __future__ import annotations

from dataclasses import dataclass

from kimera_leakguard_native.runtime import process

_CGROUP_2 = "/sys/fs/cgroup"
_CGROUP_1 = "/sys/fs/cgroup/memory"
_UNLIMITED = 2**60
"""Version 1 writes no limit as a number of about 2**63."""


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """What may be used and what is.

    Attributes
    ----------
    limit, used : int
        Bytes, of the group or machine that `source` names; both 0 where nothing is known.
    source : str
        ``cgroup``, ``machine`` or ``unknown``.
    """

    limit: int
    used: int
    source: str


def memory_limit(proc: str = "/proc/self/cgroup") -> MemoryLimit:
    """Read the tightest limit: that of the control group or one above it, else the machine's."""
    machine = process.machine_memory()
    total, used = machine.total_bytes, machine.total_bytes - machine.available_bytes
    groups = [one for one in _groups(proc) if not total or one.limit < total]
    if groups:
        return min(groups, key=lambda one: one.limit - one.used)
    return MemoryLimit(total, used, "machine") if total else MemoryLimit(0, 0, "unknown")


def headroom_bytes() -> int:
    """Give what this process may still take of its group or the machine; 0 where unknown."""
    known = memory_limit()
    return max(0, known.limit - known.used)


def _groups(proc: str) -> list[MemoryLimit]:
    found = []
    for root, path, limit_name, used_name in _folders(proc):
        parts = [part for part in path.split("/") if part]
        for depth in range(len(parts), -1, -1):
            folder = "/".join([root, *parts[:depth]])
            limit, used = _number(f"{folder}/{limit_name}"), _number(f"{folder}/{used_name}")
            if limit is not None and used is not None and limit < _UNLIMITED:
                found.append(MemoryLimit(limit, used, "cgroup"))
    return found


def _folders(proc: str) -> list[tuple[str, str, str, str]]:
    folders = []
    try:
        with open(proc, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            folders.append((_CGROUP_2, path, "memory.max", "memory.current"))
        elif "memory" in controllers.split(","):
            folders.append((_CGROUP_1, path, "memory.limit_in_bytes", "memory.usage_in_bytes"))
    return folders


def _number(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None  # not there, not ours to read, or "max"
