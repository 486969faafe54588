"""The report's `recorded_sites`: records and leases of slots, by line."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kimera_leakguard_native as klg

if TYPE_CHECKING:
    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian


def line_of(mark: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return 1 + next(k for k, text in enumerate(lines) if text.endswith(f"# {mark}"))


def sites(guardian: KimeraMemoryLeakGuardian, source: str) -> list[dict[str, Any]]:
    report = guardian.generate_comprehensive_report()
    json.dumps(report)
    return [row for row in report["recorded_sites"] if row["source"] == source]


def test_leases_of_a_bare_pool_stand_with_their_line(guardian: KimeraMemoryLeakGuardian) -> None:
    pool = klg.SlotPool(256, name="bare")
    kept = [pool.allocate() for _ in range(30)]  # leaked
    (row,) = sites(guardian, "slots bare")
    assert row["name"].startswith(f"{__file__}:{line_of('leaked')} in ")
    assert (row["live_bytes"], row["live_count"]) == (30 * 1024, 30)
    assert 0 <= row["oldest_age_s"] < 60
    assert row["total_count"] is None
    for handle in kept[:29]:
        pool.free(handle)
    assert sites(guardian, "slots bare")[0]["live_count"] == 1
    del pool
    gc.collect()
    assert sites(guardian, "slots bare") == []


def test_leases_by_geoid_stand_with_the_line_that_asked(
    guardian: KimeraMemoryLeakGuardian,
) -> None:
    pool = klg.GPUMemoryPool(embedding_dimension=4096, max_concurrent_fields=8)
    for number in range(5):
        pool.lease(f"g{number}")  # leased
    mark = f"{__file__}:{line_of('leased')} in "
    rows = [row for row in sites(guardian, "slots embeddings") if row["name"].startswith(mark)]
    assert [(row["live_bytes"], row["live_count"]) for row in rows] == [(5 * 8192, 5)]


def test_records_come_with_them_the_most_bytes_first(guardian: KimeraMemoryLeakGuardian) -> None:
    pool = klg.SlotPool(256, name="mixed")
    pool.alloc_many(10)
    guardian.record_allocation("x", {"function": "big", "line": 1, "size": 10**9})
    rows = guardian.generate_comprehensive_report()["recorded_sites"]
    assert (rows[0]["source"], rows[0]["live_bytes"]) == ("records", 10**9)
    assert rows[0]["total_count"] == 1
    assert [row["live_bytes"] for row in rows] == sorted(
        (row["live_bytes"] for row in rows), reverse=True
    )
