"""What the GPU says of its memory, if this process uses one at all."""

from __future__ import annotations

import sys
from typing import NamedTuple

from kimera_leakguard_native.faults import note_fault


class GpuMemory(NamedTuple):
    """Bytes on device 0."""

    allocated_bytes: int
    reserved_bytes: int
    available_bytes: int


def read_gpu_memory() -> GpuMemory | None:
    """Ask torch, where the program has loaded it and it sees a device; never imports it."""
    torch = sys.modules.get("torch")
    try:
        if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
            return None
        free, _ = torch.cuda.mem_get_info(0)
        return GpuMemory(
            int(torch.cuda.memory_allocated(0)), int(torch.cuda.memory_reserved(0)), int(free)
        )
    except Exception as error:  # noqa: BLE001 - a driver in any state must not end a check of ours
        note_fault("reading torch's memory", error)
        return None
