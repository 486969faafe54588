"""Figures of the process, beside those of psutil."""

from __future__ import annotations

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
