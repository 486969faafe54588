"""Device memory of torch by line, from snapshots in its layout; nothing here ran on a device."""

from __future__ import annotations

import sys
import sysconfig
from types import SimpleNamespace
from typing import TYPE_CHECKING

from kimera_leakguard_native import faults
from kimera_leakguard_native.bench.peers.caching_allocator import CachingAllocator
from kimera_leakguard_native.gpu import torch_probe
from kimera_leakguard_native.gpu.device_memory import UNKNOWN

if TYPE_CHECKING:
    import pytest

SITE_PACKAGES = sysconfig.get_path("purelib")


def stack(file: str, line: int, function: str) -> list[dict]:
    """Give frames as torch has them: innermost first, its own Python code above ours."""
    return [
        {"filename": f"{SITE_PACKAGES}/torch/nn/modules/linear.py", "line": 134, "name": "forward"},
        {"filename": file, "line": line, "name": function},
        {"filename": "/srv/app/main.py", "line": 3, "name": "<module>"},
    ]


class FakeTorch:
    """A device of the model of a caching allocator, with torch's snapshot of it."""

    def __init__(self) -> None:
        self.model = CachingAllocator()
        self.frames: dict[int, list[dict]] = {}
        self.trace: list[dict] = []
        self.blocks: list = []
        self.pending: list = []

    def allocate(self, size: int, frames: list[dict] | None, at: float = 0.0):
        block = self.model.allocate(size)
        self.blocks.append(block)
        self.frames[id(block)] = frames or []
        self.trace.append(
            {"action": "alloc", "addr": self.address(block), "time_us": int(at * 1e6)}
        )
        return block

    def free(self, block) -> None:
        self.blocks.remove(block)
        self.model.free(block)

    @staticmethod
    def address(block) -> int:
        return (block.segment << 40) + block.start

    def snapshot(self) -> dict:
        firsts = {}
        for block in [
            *self.blocks,
            *(entry[3] for pool in self.model._free.values() for entry in pool),
        ]:
            first = block
            while first.before is not None:
                first = first.before
            firsts[first.segment] = first
        segments = []
        for number, first in firsts.items():
            blocks, each = [], first
            while each is not None:
                state = "inactive" if each.free else "active_allocated"
                if each in self.pending:
                    state = "active_pending_free"
                blocks.append(
                    {
                        "address": self.address(each),
                        "size": each.size,
                        "requested_size": each.size,
                        "state": state,
                        "frames": self.frames.get(id(each), []),
                    }
                )
                each = each.after
            segments.append(
                {
                    "device": 0,
                    "address": number << 40,
                    "total_size": sum(block["size"] for block in blocks),
                    "segment_type": "small" if first.small else "large",
                    "stream": 0,
                    "blocks": blocks,
                }
            )
        return {"segments": segments, "device_traces": [self.trace]}


def test_a_leak_is_told_by_its_line_from_the_slack_of_the_allocator():
    torch = FakeTorch()
    leaking = stack("/srv/app/cache.py", 17, "remember")
    for number in range(40):
        torch.allocate(1_000_000, leaking, at=1000.0 + number)
        work = torch.allocate(30_000_000, stack("/srv/app/model.py", 8, "step"), at=2000.0)
        torch.free(work)  # its segment stays: slack, and no leak
    waiting = torch.allocate(4096, stack("/srv/app/model.py", 9, "step"), at=2000.0)
    torch.pending.append(waiting)
    torch.allocate(512, None)
    (device,) = torch_probe.read_snapshot(torch.snapshot())
    first = device.lines[0]
    assert (first.file, first.line, first.function) == ("/srv/app/cache.py", 17, "remember")
    assert (first.live_bytes, first.blocks, first.oldest) == (40 * 1_000_448, 40, 1000.0)
    assert [(line.file, line.live_bytes) for line in device.lines[1:]] == [(UNKNOWN[0], 512)]
    assert device.pending_bytes == 4096
    assert device.slack_bytes >= 30_000_000
    total = device.live_bytes + device.pending_bytes + device.slack_bytes
    assert total == torch.model.reserved_bytes
    assert (device.source, device.device) == ("torch", "cuda:0")


def test_snapshots_of_older_torch_have_no_addresses_and_keep_frames_in_a_history():
    site = stack("/srv/app/old.py", 5, "load")
    snapshot = {
        "segments": [
            {
                "device": 1,
                "address": 1 << 40,
                "total_size": 2 << 20,
                "blocks": [
                    {"size": 512, "state": "inactive"},
                    {
                        "size": 1024,
                        "state": "active_allocated",
                        "history": [{"addr": (1 << 40) + 512, "real_size": 1000, "frames": site}],
                    },
                    {"size": (2 << 20) - 1536, "state": "inactive"},
                ],
            }
        ]
    }
    (device,) = torch_probe.read_snapshot(snapshot)
    assert (device.device, device.live_bytes) == ("cuda:1", 1024)
    assert (device.lines[0].file, device.lines[0].line) == ("/srv/app/old.py", 5)
    assert device.lines[0].oldest is None


def test_no_snapshot_is_asked_for_without_torch_or_a_device(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert torch_probe.read() == []
    assert not torch_probe.record_history()

    def no_driver() -> bool:
        raise RuntimeError("the driver is too old")

    broken = SimpleNamespace(cuda=SimpleNamespace(is_available=no_driver))
    monkeypatch.setitem(sys.modules, "torch", broken)
    faults.counts.clear()
    assert torch_probe.read() == []
    assert torch_probe.read() == []
    assert faults.counts == {"asking torch for CUDA": 2}
    assert len(caplog.records) == 1


def test_a_torch_with_a_device_is_asked_through_its_own_interface(monkeypatch: pytest.MonkeyPatch):
    fake = FakeTorch()
    fake.allocate(2048, stack("/srv/app/cache.py", 17, "remember"), at=5.0)
    calls: list = []
    memory = SimpleNamespace(
        _snapshot=fake.snapshot,
        _record_memory_history=lambda *args, **kwargs: calls.append((args, kwargs)),
    )
    cuda = SimpleNamespace(is_available=lambda: True, is_initialized=lambda: True, memory=memory)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert torch_probe.record_history(max_entries=10)
    assert calls == [(("all",), {"context": "all", "stacks": "python", "max_entries": 10})]
    assert torch_probe.read()[0].lines[0].live_bytes == 2048
    torch_probe.stop_history()
    assert calls[-1] == ((None,), {})
