"""Every bound, decision and place of pair search is needed: with any of them changed, a test fails.

The sources are copied with all changes built in, one of which a variable of the environment turns
on, so that one build serves them all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
FOLDER = "klg/similarity"
TESTS = ["packed_rows_test", "similarity_test", "tensor_tile_test"]
SOURCES = [
    "canonical_dot", "dispatch", "filter_choice", "kernels_avx2", "kernels_baseline", "packed_rows",
    "pair_scan", "row_set", "rows_avx512", "scan_avx512", "worker_team",
]  # fmt: skip
SWITCH = """#pragma once
#include <cstdlib>
namespace klg {
inline int mutant() {
  static const int chosen = [] {
    const char* text = std::getenv("KLG_MUTANT");
    return text == nullptr ? 0 : std::atoi(text);
  }();
  return chosen;
}
}  // namespace klg
"""


class Mutant(NamedTuple):
    """An expression of a source, wherever it stands there, and what it becomes."""

    file: str
    text: str
    changed: str
    needs: str = "baseline"
    """The least instruction set whose tests meet it."""


MUTANTS = [
    Mutant(
        "similarity.hpp",
        "accumulated_error(static_cast<double>(d) + 10.0, kUnit32) + 0x1p-60",
        "0.45 * accumulated_error(static_cast<double>(d) + 10.0, kUnit32)",
    ),
    Mutant(
        "similarity.hpp",
        "1.01 * accumulated_error(2.0 * static_cast<double>(d) + 10.0, kUnit32) + 0x1p-60",
        "0.1 * accumulated_error(2.0 * static_cast<double>(d) + 10.0, kUnit32)",
        "avx512_bf16",
    ),
    Mutant("similarity.hpp", "x_residual + y_residual + x_residual * y_residual", "0.0"),
    Mutant("similarity.hpp", "sqrt(sum_of_squares)", "0.99 * sqrt(sum_of_squares)"),
    Mutant("similarity.hpp", "score > 1.0 ? 1.0 : score < -1.0 ? -1.0 : score", "score * 1.0001"),
    Mutant("scan_avx512.cpp", "residual + block.pad", "0.5f * residual + block.pad", "avx512"),
    Mutant("scan_avx512.cpp", "std::min(next, block.right.count)", "column + 16", "avx512"),
    Mutant("tensor_tile.hpp", "row * kDepth + (group ^ ((row >> 1) & (kGroups - 1))) * kGroup",
           "row * kDepth + group * kGroup"),
    Mutant("tensor_tile.hpp", "block * 16 + lane % 16", "block * 16 + lane / 2"),
    Mutant("tensor_tile.hpp", "2 * step + lane / 16", "2 * step + lane % 2"),
    Mutant("tensor_tile.hpp", "lane % 8 + lane / 16 * 8", "lane % 16"),
    Mutant("tensor_tile.hpp", "2 * step + lane / 8 % 2", "2 * step + lane / 16"),
    Mutant("tensor_tile.hpp", "sum / 2 * 8 + lane / 4", "sum / 2 * 8 + lane % 8"),
    Mutant("tensor_tile.hpp", "lane % 4 * 2 + sum % 2", "lane % 4 + sum % 2 * 4"),
    Mutant(
        "tensor_tile.hpp",
        "1.01 * accumulated_error(2.0 * 36.0 * instructions, kUnit32) + 0x1p-60",
        "0.0",
    ),
    Mutant("tensor_tile.hpp", "row_residual + column_residual * (1.0f + row_residual) + test.pad",
           "row_residual + column_residual * (1.0f + row_residual)"),
    Mutant("tensor_tile.hpp", "row_residual + column_residual * (1.0f + row_residual) + test.pad",
           "test.pad"),
    Mutant("tensor_tile.hpp", "sum * test.sign", "sum"),
    Mutant("tensor_tile.hpp", "below ? score < threshold : score > threshold",
           "below ? score <= threshold : score >= threshold"),
    Mutant("tensor_tile.hpp", "(tile_column + 1) * kTileColumns > tile_row * kTileRows + 1",
           "tile_column > tile_row"),
    Mutant("tensor_tile.hpp", "(!extent.within || column > row)",
           "(!extent.within || column >= row)"),
    Mutant("tensor_tile.hpp", "lost * lost", "0.0"),
    Mutant("tensor_tile.hpp", "residual_bound(lost_squares, d) * (1.0 + 2.0 * kUnit32)",
           "0.1 * residual_bound(lost_squares, d)"),
]  # fmt: skip


def mutate(folder: Path) -> None:
    """Build every change into a copy of the sources."""
    (folder / "mutant.hpp").write_text(SWITCH)
    for name in {mutant.file for mutant in MUTANTS}:
        source = (folder / name).read_text()
        for text in {mutant.text for mutant in MUTANTS if mutant.file == name}:
            assert text in source, f"{name} has no {text!r}: say here what it has become"
            switched = f"({text})"
            for number, mutant in enumerate(MUTANTS, start=1):
                if (mutant.file, mutant.text) == (name, text):
                    switched = f"(klg::mutant() == {number} ? ({mutant.changed}) : {switched})"
            source = source.replace(text, switched)
        # What is chosen at run time is no constant.
        source = source.replace("KLG_HOST_DEVICE constexpr", "KLG_HOST_DEVICE inline")
        source = source.replace("#include", f'#include "{FOLDER}/mutant.hpp"\n#include', 1)
        (folder / name).write_text(source)


def build(folder: Path) -> Path:
    """Compile the copy and the tests that are to notice."""
    tests = ROOT / "tests/cpp"
    shutil.copytree(ROOT / "csrc/klg", folder / "klg")
    mutate(folder / FOLDER)
    sources = [folder / FOLDER / f"{name}.cpp" for name in SOURCES]
    sources += [folder / "klg/core/cpu_features.cpp"]
    sources += [tests / "similarity" / f"{name}.cpp" for name in TESTS]
    objects = [folder / f"{source.stem}.o" for source in sources]

    def compiled(source: Path, target: Path) -> None:
        subprocess.run(
            ["g++", "-std=c++20", "-O1", "-c", f"-I{folder}", f"-I{tests}", source, "-o", target],
            check=True,
        )

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(compiled, sources, objects))
    program = folder / "tests"
    subprocess.run(
        ["g++", *objects, "-lgtest", "-lgtest_main", "-lpthread", "-o", program], check=True
    )
    return program


def fails(program: Path, number: int) -> bool:
    done = subprocess.run(
        [program, "--gtest_brief=1"],
        env={**os.environ, "KLG_MUTANT": str(number)},
        capture_output=True,
        check=False,
        timeout=300,
    )
    return done.returncode != 0


@pytest.mark.slow
def test_a_test_fails_for_every_change(tmp_path):
    if shutil.which("g++") is None or not Path("/usr/include/gtest/gtest.h").exists():
        pytest.skip("g++ or GoogleTest is not installed (Debian: libgtest-dev)")
    from kimera_leakguard_native import _core

    sets = _core.similarity.instruction_sets()
    usable = sets[: sets.index(_core.similarity.instruction_set()) + 1]
    program = build(tmp_path)
    assert not fails(program, 0)
    for number, mutant in enumerate(MUTANTS, start=1):
        if mutant.needs in usable:
            assert fails(program, number), f"no test notices {mutant}"
