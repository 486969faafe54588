"""The benchmark's cases exist, check what they time, and come out as they should."""

from __future__ import annotations

import pytest

from kimera_leakguard_native.bench import registry_bench
from kimera_leakguard_native.bench.harness import Options


@pytest.fixture(scope="module")
def results() -> dict:
    return {result.case: result for result in registry_bench.run(Options(quick=True))}


def test_every_case_is_checked(results: dict) -> None:
    assert set(results) == {
        "record-release/threads=1",
        "record-release/threads=2",
        "record-release/threads=2/one-site",
        "record-release/python",
        "scope",
        "snapshot/n=10000",
        "longest-lock/chunk=1024",
    }
    assert all(result.checked for result in results.values())


def test_scopes_and_records_beat_plain_python(results: dict) -> None:
    # The target is 5; half of it leaves room for a busy machine and a sanitizer-free debug build.
    assert results["scope"].others["dict + lock + clock class"].ratio > 2.5
    assert results["record-release/python"].others["dict + lock + clock"].ratio > 2.5


def test_a_wrong_count_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_bench.AllocationRegistry, "snapshot", lambda self: [])
    with pytest.raises(AssertionError, match="snapshot is not what was recorded"):
        list(registry_bench.run(Options(quick=True)))[-1]
