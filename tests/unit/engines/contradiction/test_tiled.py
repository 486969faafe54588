"""An executor changes where the work is done and not one bit of the result."""

from __future__ import annotations

from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import pytest

import kimera_leakguard_native as klg
from kimera_leakguard_native.engines.contradiction import tiled
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


def test_what_the_executor_raises_passes() -> None:
    class Broken(Executor):
        def submit(self, *_args, **_kwargs):
            raise RuntimeError("no workers left")

    with pytest.raises(RuntimeError, match="no workers left"):
        contradiction_pairs(rows_of(500), -0.5, executor=Broken())
