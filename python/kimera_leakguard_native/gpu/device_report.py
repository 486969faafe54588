"""All device memory of the process in one report: torch, CuPy and slots."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kimera_leakguard_native.gpu import cupy_probe, torch_probe
from kimera_leakguard_native.gpu.device_memory import DeviceMemory, LineMemory
from kimera_leakguard_native.gpu.slots import live_pools

if TYPE_CHECKING:
    from kimera_leakguard_native.gpu.slots import SlotPool


def device_memory() -> list[DeviceMemory]:
    """Read every manager that this process uses; pools of slots count, in host memory too."""
    return [*torch_probe.read(), *cupy_probe.read(), *map(read_pool, live_pools())]


def read_pool(pool: SlotPool) -> DeviceMemory:
    """Sum the leases of a pool by line."""
    stats, now = pool.stats(), time.time()
    row = stats["row_bytes"]
    lines = [
        LineMemory(file, line, function, count * row, count, now - age)
        for file, line, function, count, age in pool.holders()
    ]
    used, pending = stats["used_bytes"], row * stats["deferred"]
    slack = max(0, stats["committed_bytes"] - used - pending)
    return DeviceMemory("slots", pool.device, used, pending, slack, lines)
