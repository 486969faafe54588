"""Device memory of CuPy by line, through a pool that calls hooks as CuPy's does."""

from __future__ import annotations

import gc
import sysconfig
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

import kimera_leakguard_native as klg
from kimera_leakguard_native.gpu import cupy_probe, device_report
from kimera_leakguard_native.gpu.ledger import TRACEMALLOC_DOMAIN, Ledger

HERE = __file__


class HookBase:
    """The interface of a hook: entered, it is told of every call of its thread's."""

    def __enter__(self):
        FakePool.hooks[self.name] = self
        return self

    def __exit__(self, *_):
        del FakePool.hooks[self.name]


class FakePool:
    """Blocks of 512 bytes that are kept when they are freed."""

    hooks: ClassVar[dict] = {}

    def __init__(self) -> None:
        self.next = 1 << 30
        self.kept = 0

    def malloc(self, size: int, device: int = 0) -> SimpleNamespace:
        mem_size = -(-size // 512) * 512
        self.kept = max(0, self.kept - mem_size)
        self.next += mem_size
        block = SimpleNamespace(ptr=self.next, size=mem_size, device=device)
        for hook in self.hooks.values():
            hook.malloc_postprocess(
                device_id=device, size=size, mem_size=mem_size, mem_ptr=block.ptr, pmem_id=1
            )
        return block

    def free(self, block: SimpleNamespace) -> None:
        self.kept += block.size
        for hook in self.hooks.values():
            hook.free_postprocess(
                device_id=block.device, mem_size=block.size, mem_ptr=block.ptr, pmem_id=1
            )


# CuPy's own frames lie in an installed package.
FakePool.malloc.__code__ = FakePool.malloc.__code__.replace(
    co_filename=str(Path(sysconfig.get_path("purelib"), "cupy", "cuda", "memory.py"))
)


@pytest.fixture(autouse=True)
def forget():
    cupy_probe.forget()
    yield
    cupy_probe.forget()


def line_of(mark: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return 1 + next(k for k, text in enumerate(lines) if text.endswith(f"# {mark}"))


def remember(pool: FakePool, kept: list) -> None:
    kept.append(pool.malloc(1000))  # the leaking line


def compute(pool: FakePool) -> None:
    block = pool.malloc(5000, device=0)
    pool.free(block)


def test_live_blocks_are_named_by_their_line_and_freed_ones_are_slack():
    pool, kept = FakePool(), []
    before = pool.malloc(512)
    with cupy_probe.memory_hook(HookBase):
        for _ in range(20):
            remember(pool, kept)
            compute(pool)
        pool.free(before)  # taken before the hook: nothing to forget
        pool.malloc(512, device=1)
        first, second = cupy_probe.read()
        (line,) = first.lines
        assert (line.file, line.line, line.function) == (
            HERE,
            line_of("the leaking line"),
            "remember",
        )
        assert (line.live_bytes, line.blocks) == (20 * 1024, 20)
        assert (first.device, second.device) == ("cuda:0", "cuda:1")
        for block in kept:
            pool.free(block)
    assert cupy_probe.read()[0].live_bytes == 0
    pool.malloc(512)
    assert cupy_probe.read()[0].live_bytes == 0


def test_tracemalloc_sees_device_memory_in_a_domain_of_its_own():
    pool, kept = FakePool(), []
    tracemalloc.start(5)
    try:
        with cupy_probe.memory_hook(HookBase):
            for _ in range(3):
                remember(pool, kept)
            mine = [tracemalloc.DomainFilter(True, TRACEMALLOC_DOMAIN)]
            (line,) = (
                each
                for each in tracemalloc.take_snapshot().filter_traces(mine).statistics("traceback")
                if any(frame.lineno == line_of("the leaking line") for frame in each.traceback)
            )
            assert (line.size, line.count) == (3 * 1024, 3)
            for block in kept:
                pool.free(block)
            assert tracemalloc.take_snapshot().filter_traces(mine).statistics("lineno") == []
    finally:
        tracemalloc.stop()


def test_a_ledger_tells_unknown_blocks():
    ledger = Ledger()
    ledger.add(4096, 100)
    assert ledger.live_bytes == 100
    assert ledger.remove(4096)
    assert not ledger.remove(4096)
    assert ledger.lines() == []


def test_one_report_joins_the_managers():
    pool = klg.SlotPool(256, name="joined")
    pool.alloc_many(10)  # the slots
    fake = FakePool()
    with cupy_probe.memory_hook(HookBase):
        remember(fake, [])
        report = device_report.device_memory()
    assert {each.source for each in report} >= {"cupy", "slots"}
    (mine,) = (
        each
        for each in report
        if each.source == "slots"
        and [(line.file, line.line) for line in each.lines] == [(HERE, line_of("the slots"))]
    )
    assert (mine.device, mine.live_bytes, mine.lines[0].blocks) == ("cpu", 10 * 1024, 10)
    assert mine.live_bytes + mine.slack_bytes == pool.stats()["committed_bytes"]
    assert mine.lines[0].oldest is not None
    count = len(report)
    del pool, mine
    gc.collect()
    with cupy_probe.memory_hook(HookBase):
        assert len(device_report.device_memory()) < count


def test_leases_of_the_embedding_pool_are_named_by_the_line_that_asked():
    pool = klg.GPUMemoryPool(embedding_dimension=8, max_concurrent_fields=16)
    for number in range(5):
        pool.lease(f"g{number}")  # the lease
    held = [
        line
        for each in device_report.device_memory()
        for line in each.lines
        if (line.file, line.line) == (HERE, line_of("the lease"))
    ]
    assert [line.blocks for line in held] == [5, 5]  # embeddings and metadata
