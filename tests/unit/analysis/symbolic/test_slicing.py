"""Tests that cannot keep a path from its exit do not multiply the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import engine
from kimera_leakguard_native.analysis.symbolic import executor

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from kimera_leakguard_native.model.finding import CheckResult

_MANY = 16


def _long(last: str) -> str:
    """Give a function with many tests of values that have nothing to do with its file."""
    lines = ["def read(path, wanted, *flags):", "    file = None", "    if wanted:"]
    lines += ["        file = open(path)"]
    for number in range(_MANY):
        lines += [f"    if flags[{number}]:", f"        mode{number} = 'a'"]
        lines += ["    else:", f"        mode{number} = None"]
    for number in range(_MANY):
        lines += [f"    if mode{number}:", f"        print(mode{number})"]
    return "\n".join([*lines, f"    if {last}:", "        file.close()", ""])


def _check(tmp_path: Path, text: str) -> CheckResult:
    path = tmp_path / "module.py"
    path.write_text(text, encoding="utf-8")
    return engine.check([str(path)], engine.Options())


def test_a_long_function_is_searched_to_its_end(tmp_path: Path) -> None:
    result = _check(tmp_path, _long("wanted"))
    assert [item.code for item in result.findings] == []
    assert result.statistics.budget_exhausted == 0


def test_without_slices_the_same_search_is_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "SLICED_AFTER", executor.MAX_WORK)
    assert _check(tmp_path, _long("wanted")).statistics.budget_exhausted == 1


def test_a_test_that_decides_is_in_the_slice(tmp_path: Path) -> None:
    result = _check(tmp_path, _long(f"mode{_MANY - 1}"))
    assert [(item.line, item.code, item.tier) for item in result.findings] == [(4, "KLG101", "E")]
