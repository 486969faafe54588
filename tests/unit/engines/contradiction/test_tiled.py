"""An executor changes where the work is done and not one bit of the result."""

from __future__ import annotations

from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import pytest

import kimera_leakguard_native as klg
from kimera_leakguard_native.engines.contradiction import tiled
from kimera_leakguard_native.engines.contradiction.neighbours import top_k
from kimera_leakguard_native.engines.contradiction.pairs import contradiction_pairs

if TYPE_CHECKING:
    from pathlib import Path


def rows_of(n: int, d: int = 24, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    rows[n // 2] = -rows[3]  # a planted opposite
    return rows


def same(ours: klg.Pairs, theirs: klg.Pairs) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)


@pytest.mark.parametrize("n", [0, 1, 2, 300, 1500])
@pytest.mark.parametrize("below", [True, False])
def test_threads_give_the_same_bits(n: int, below: bool) -> None:
    rows = rows_of(n) if n > 3 else rows_of(8)[:n]
    threshold = -0.5 if below else 0.5
    with ThreadPoolExecutor(2) as executor:
        found = contradiction_pairs(rows, threshold, below=below, executor=executor)
    same(found, contradiction_pairs(rows, threshold, below=below))
    if n > 3 and below:
        assert (3, n // 2) in set(zip(found.i.tolist(), found.j.tolist(), strict=True))


def test_masked_rows_do_not_count_and_may_hold_nan() -> None:
    rows = rows_of(900)
    mask = np.random.default_rng(1).random(900) < 0.6
    mask[300:600] = False
    rows[~mask] = np.nan
    with ThreadPoolExecutor(2) as executor:
        found = contradiction_pairs(rows, -0.5, mask=mask, executor=executor)
        same(found, contradiction_pairs(rows, -0.5, mask=mask))
        assert len(found.i)
        rows[700] = np.inf
        mask[700] = True
        with pytest.raises(ValueError, match="x: row 700 holds NaN or infinity"):
            contradiction_pairs(rows, -0.5, mask=mask, executor=executor)
        with pytest.raises(klg.LeakGuardError, match="more than max_pairs=10"):
            contradiction_pairs(rows_of(900), 0.5, max_pairs=10, executor=executor)


def test_processes_map_a_file_instead_of_receiving_its_rows(tmp_path: Path) -> None:
    rows = rows_of(1200)
    file = tmp_path / "rows.npy"
    np.save(file, rows)
    mapped = np.load(file, mmap_mode="r")
    part = tiled.portable(mapped[100:], 50, 60)
    assert isinstance(part, tiled.MappedRows)
    assert np.array_equal(part.open(), rows[150:160])
    assert isinstance(tiled.portable(mapped[:, ::2], 0, 5), np.ndarray)
    assert isinstance(tiled.portable(rows, 0, 5), np.ndarray)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        found = contradiction_pairs(mapped[100:], -0.5, executor=executor)
    same(found, contradiction_pairs(rows[100:], -0.5))


def same_partners(ours: tuple, theirs: tuple) -> None:
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("n", [0, 1, 3, 300, 1500])
def test_partners_are_the_same_on_an_executor(n: int, largest: bool) -> None:
    rows = rows_of(n) if n > 3 else rows_of(8)[:n]
    if n > 300:
        rows[700:800] = rows[20]  # ties across blocks
        rows[5] = rows[1400] = 0.0
    mask = np.random.default_rng(1).random(n) < 0.7
    mask[300:600] = False
    with ThreadPoolExecutor(2) as executor:
        same_partners(
            top_k(rows, 7, largest=largest, executor=executor), top_k(rows, 7, largest=largest)
        )
        queries = rows_of(290, seed=2)
        same_partners(
            top_k(rows, 4, queries=queries, mask=mask, executor=executor),
            top_k(rows, 4, queries=queries, mask=mask),
        )
        rows[~mask] = np.nan
        same_partners(
            top_k(rows, 3, mask=mask, largest=largest, executor=executor),
            top_k(rows, 3, mask=mask, largest=largest),
        )


def test_what_partners_cannot_be_found_for_is_named_before_any_tile_runs() -> None:
    rows = rows_of(900)
    queries = rows_of(20)
    queries[7, 3] = np.inf
    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(ValueError, match="queries: row 7 holds NaN or infinity"):
            top_k(rows, 1, queries=queries, executor=executor)
        with pytest.raises(ValueError, match="queries: rows of 3 entries cannot be compared"):
            top_k(rows, 1, queries=rows[:, :3], executor=executor)
        rows[800] = np.nan
        with pytest.raises(ValueError, match="x: row 800 holds NaN or infinity"):
            top_k(rows, 1, executor=executor)


def test_partners_of_a_file_are_found_by_processes(tmp_path: Path) -> None:
    rows = rows_of(1200)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        same_partners(top_k(mapped, 5, executor=executor), top_k(rows, 5))


def test_what_the_executor_raises_passes() -> None:
    class Broken(Executor):
        def submit(self, *_args, **_kwargs):
            raise RuntimeError("no workers left")

    with pytest.raises(RuntimeError, match="no workers left"):
        contradiction_pairs(rows_of(500), -0.5, executor=Broken())
