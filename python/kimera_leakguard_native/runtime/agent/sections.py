"""What every agent can say: the process, and what its sampler sees."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.runtime import process
from kimera_leakguard_native.runtime.forecast.limits import headroom_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.model.profile import HeapProfile
    from kimera_leakguard_native.runtime.site_watch import SiteWatch

MOST_SITES = 1000
_MAX_AGE_S = 2.0


def own_name() -> str:
    """Give the name of the program that this process runs."""
    return os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"


def process_section(pid: int, name: str) -> dict[str, Any]:
    """Describe a process."""
    return {
        "pid": pid,
        "name": name,
        "time": time.time(),
        "resident_bytes": process.resident(pid).total,
        "headroom_bytes": headroom_bytes(),
    }


def sites_section(watch: SiteWatch) -> dict[str, Any]:
    """Give the last judgement, or a new one where that is older than two seconds."""
    watch.refresh(_MAX_AGE_S)
    snapshot = watch.snapshot
    return {
        "seconds": snapshot.seconds if snapshot else 0.0,
        "samples": snapshot.samples if snapshot else 0,
        "mean_bytes": snapshot.mean_bytes if snapshot else 0.0,
        "allocated_bytes": snapshot.allocated_bytes if snapshot else 0.0,
        "live_bytes": snapshot.live_bytes if snapshot else 0.0,
        "sites": [site.to_dict() for site in watch.sites[:MOST_SITES]],
    }


def heap_section(profile: Callable[[], HeapProfile]) -> dict[str, Any]:
    """Give the heap profile as it is now."""
    return asdict(profile())
