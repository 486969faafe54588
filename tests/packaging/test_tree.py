"""The tree keeps its promises: tests mirror sources, no file grows past its noun."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python" / "kimera_leakguard_native"
SOURCES = [
    path
    for folder, pattern in (
        (PACKAGE, "*.py"),
        (ROOT / "csrc", "*.?pp"),
        (ROOT / "cuda", "*.cu*"),
        (ROOT / "tests", "*.py"),
        (ROOT / "tests", "*.cpp"),
    )
    for path in folder.rglob(pattern)
]


def test_there_are_sources_to_look_at():
    assert len(SOURCES) > 30


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize(
    "path", list((ROOT / "tests" / "unit").rglob("test_*.py")), ids=lambda p: p.name
)
def test_unit_tests_lie_in_a_folder_of_the_package(path):
    folder = path.parent.relative_to(ROOT / "tests" / "unit")
    assert (PACKAGE / folder).is_dir()


@pytest.mark.parametrize(
    "path", list((ROOT / "tests" / "cpp").rglob("*_test.cpp")), ids=lambda p: p.name
)
def test_cpp_tests_mirror_a_header(path):
    place = path.parent.relative_to(ROOT / "tests" / "cpp")
    folders = (ROOT / top / "klg" / place for top in ("csrc", "cuda"))
    stems = {header.stem for folder in folders for header in folder.glob("*.hpp")}
    # `<header>_test.cpp`, or `<header>_<aspect>_test.cpp` where one file would be too long.
    assert any(path.stem == f"{stem}_test" or path.stem.startswith(f"{stem}_") for stem in stems)
