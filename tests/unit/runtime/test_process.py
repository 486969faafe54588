"""Figures of the process, beside those of psutil."""

from __future__ import annotations

import mmap

import psutil
import pytest

from kimera_leakguard_native.runtime import process


def test_resident_size_is_the_kernel_s() -> None:
    assert process.resident_bytes() == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)


def test_resident_size_follows_what_is_touched() -> None:
    before = process.resident_bytes()
    block = bytearray(b"x") * (64 * 2**20)
    assert process.resident_bytes() - before > 48 * 2**20
    del block


def test_machine_memory_is_the_kernel_s() -> None:
    memory = process.machine_memory()
    assert memory.total_bytes == psutil.virtual_memory().total
    assert 0 < memory.available_bytes < memory.total_bytes


def test_pages_of_files_are_told_from_the_others(tmp_path):
    size = 64 * 2**20
    path = tmp_path / "mapped"
    path.write_bytes(bytes(size))
    before = process.resident()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        sum(mapped[::4096])
        now = process.resident()
    assert now.file - before.file > 0.9 * size
    assert (now.total - now.file) - (before.total - before.file) < 0.1 * size
    assert process.resident(2**22 + 1) == (0, 0)
