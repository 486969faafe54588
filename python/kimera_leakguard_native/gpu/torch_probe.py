"""Memory of torch's caching allocator by line, from its own snapshot and history.

torch is looked at only where the program has imported it. Not verified on a GPU.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.faults import note_fault
from kimera_leakguard_native.gpu.device_memory import (
    DeviceMemory,
    application_frame,
    by_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def record_history(max_entries: int = 100_000) -> bool:
    """Let torch note the Python stack of every block from now on; False without a device."""
    memory = _memory()
    if memory is None:
        return False
    memory._record_memory_history(  # noqa: SLF001 - torch documents it under this name
        "all", context="all", stacks="python", max_entries=max_entries
    )
    return True


def stop_history() -> None:
    """Let torch note no more stacks."""
    memory = _memory()
    if memory is not None:
        memory._record_memory_history(None)  # noqa: SLF001


def read() -> list[DeviceMemory]:
    """Read the memory of this process, a device each; [] where torch uses none."""
    memory = _memory()
    return [] if memory is None else read_snapshot(memory._snapshot())  # noqa: SLF001


def read_snapshot(snapshot: Mapping[str, Any]) -> list[DeviceMemory]:
    """Sum a snapshot by line.

    Parameters
    ----------
    snapshot : mapping
        What ``torch.cuda.memory._snapshot()`` gives, or a pickle of it. Blocks have lines where the
        history was recorded when they were taken, and ages where it still reaches back so far.
    """
    segments: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for segment in snapshot["segments"]:
        segments[int(segment.get("device", 0))].append(segment)
    traces = snapshot.get("device_traces") or []
    return [
        _read_device(device, segments[device], traces[device] if device < len(traces) else [])
        for device in sorted(segments)
    ]


def _read_device(
    device: int, segments: list[Mapping[str, Any]], trace: list[Mapping[str, Any]]
) -> DeviceMemory:
    started = {
        int(event["addr"]): event["time_us"] / 1e6
        for event in trace
        if event.get("action") == "alloc" and "time_us" in event
    }
    live = []
    pending = 0
    total = 0
    for segment in segments:
        total += int(segment["total_size"])
        for address, block in _blocks(segment):
            if block["state"] == "active_allocated":
                site = application_frame(_frames(block))
                live.append((site, int(block["size"]), started.get(address)))
            elif block["state"] != "inactive":
                pending += int(block["size"])
    used = sum(size for _, size, _ in live)
    return DeviceMemory(
        "torch", f"cuda:{device}", used, pending, total - used - pending, by_line(live)
    )


def _blocks(segment: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    # Blocks of older versions have no address: they lie one behind the other.
    address = int(segment["address"])
    for block in segment["blocks"]:
        yield int(block.get("address", address)), block
        address += int(block["size"])


def _frames(block: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    frames = block.get("frames")
    if frames is None:  # up to torch 2.0
        frames = next((entry.get("frames", []) for entry in block.get("history", [])), [])
    return [(f["filename"], int(f["line"]), f["name"]) for f in frames]


def _memory() -> Any:
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    try:
        usable = torch.cuda.is_available() and torch.cuda.is_initialized()
    except Exception as error:  # noqa: BLE001 - a driver in any state must not end a check of ours
        note_fault("asking torch for CUDA", error)
        return None
    return torch.cuda.memory if usable else None
