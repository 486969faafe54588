"""Memory of this process and of the machine, read from the kernel."""

from __future__ import annotations

import resource
from typing import NamedTuple


class MachineMemory(NamedTuple):
    """Bytes of the whole machine; both 0 where the kernel does not say."""

    total_bytes: int
    available_bytes: int


def resident_bytes() -> int:
    """Read the resident set size of this process; the peak where there is no /proc."""
    return resident().total or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Resident(NamedTuple):
    """Resident bytes of a process: all of them, and those that are pages of files."""

    total: int
    file: int


def resident(pid: int | str = "self") -> Resident:
    """Read them of any process; both 0 where it is gone."""
    found = {b"VmRSS": 0, b"RssFile": 0}
    try:
        with open(f"/proc/{pid}/status", "rb") as status:
            for line in status:
                name, _, rest = line.partition(b":")
                if name in found:
                    found[name] = int(rest.split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        return Resident(0, 0)
    return Resident(found[b"VmRSS"], found[b"RssFile"])


def machine_memory() -> MachineMemory:
    """Read what the machine has and what it could still give."""
    kilobytes: dict[bytes, int] = {}
    try:
        with open("/proc/meminfo", "rb") as meminfo:
            for line in meminfo:
                name, _, rest = line.partition(b":")
                if name in {b"MemTotal", b"MemAvailable"}:
                    kilobytes[name] = int(rest.split()[0])
    except (OSError, IndexError, ValueError):
        return MachineMemory(0, 0)
    return MachineMemory(
        kilobytes.get(b"MemTotal", 0) * 1024, kilobytes.get(b"MemAvailable", 0) * 1024
    )
