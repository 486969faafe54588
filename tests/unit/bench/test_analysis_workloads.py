"""The synthetic projects are Python, depend on the seed alone, and hold what they say they hold."""

import ast

import pytest

from kimera_leakguard_native.analysis import engine
from kimera_leakguard_native.bench.analysis_workloads import function_text, write_project


def texts(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.py")}


def test_the_seed_decides_everything(tmp_path):
    planted = [
        write_project(tmp_path / name, 2_000, seed)
        for name, seed in zip("abc", (1, 1, 2), strict=True)
    ]
    first, again, other = (texts(tmp_path / name) for name in "abc")
    assert first == again
    assert planted[0] == planted[1]
    assert first != other


def test_it_has_about_the_wanted_length_and_parses(tmp_path):
    planted = write_project(tmp_path, 5_000, 0)
    assert 5_000 <= planted.lines < 5_600
    for text in texts(tmp_path).values():
        ast.parse(text)


@pytest.mark.parametrize("symbolic", [True, False])
def test_a_check_finds_what_was_planted_and_the_guards_matter(tmp_path, symbolic):
    planted = write_project(tmp_path, 8_000, 3)
    found = engine.check([str(tmp_path)], engine.Options(symbolic=symbolic)).findings
    names = {(one.file.removeprefix(f"{tmp_path}/"), one.line) for one in found}
    expected = {(file, line) for file, line, _ in planted.leaks}
    assert planted.leaks
    assert planted.guarded
    assert names == (expected if symbolic else expected | planted.guarded)


@pytest.mark.parametrize("lines", [10, 100])
def test_a_function_has_exactly_the_wanted_length(lines):
    text = function_text(lines)
    assert text.count("\n") == lines
    ast.parse(text)
