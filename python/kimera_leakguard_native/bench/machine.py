"""The shape of the machine a figure was printed on."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

from kimera_leakguard_native import _core
from kimera_leakguard_native._version import __version__


def describe() -> dict[str, Any]:
    """Give processor, cores, memory, interpreter and build; no host name, no paths."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {sys.version.split()[0]}",
        "compiler": _core.build.compiler(),
        "cpu_features": _core.build.cpu_features(),
        "cuda_devices": _core.cuda.device_count(),
        "version": __version__,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
