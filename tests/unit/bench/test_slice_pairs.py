import os
import statistics

import pytest

from kimera_leakguard_native.bench import slice_pairs
from kimera_leakguard_native.errors import LeakGuardError


def test_the_sampler_is_switched_and_counted():
    ratios, samples = slice_pairs.switched("json_round_trips", "ours", 3, 0)
    assert len(ratios) == 3
    assert samples > 100  # hundreds of megabytes, one sample every 512 KiB


def test_a_tool_that_costs_a_lot_is_seen_to():
    ratios, _ = slice_pairs.switched("parser", "tracemalloc", 3, 0)
    assert statistics.median(ratios) > 2.0


def test_two_processes_take_turns():
    ratios = slice_pairs.side_by_side("parser", "imported", 3, 0)
    assert 0.5 < statistics.median(ratios) < 2.0


def test_a_worker_that_dies_says_why():
    with pytest.raises(LeakGuardError, match="KeyError: 'no such tool'"):
        slice_pairs.switched("parser", "no such tool", 1, 0)


def test_the_plain_worker_has_imported_nothing_of_ours():
    worker = slice_pairs.SliceWorker("parser", "plain")
    try:
        worker.ask("slice")
        with open(f"/proc/{worker.process_id}/maps", encoding="ascii") as file:
            assert "libklg_pymem" not in file.read()
    finally:
        worker.close()
    assert not os.path.exists(f"/proc/{worker.process_id}/maps")
