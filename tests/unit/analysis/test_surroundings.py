"""A check of one file knows what it imports from around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kimera_leakguard_native.analysis import surroundings as module
from kimera_leakguard_native.analysis.engine import Options, check
from kimera_leakguard_native.analysis.surroundings import surroundings

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "pkg/__init__.py": "",
    "pkg/exits.py": """
        import sys
        from .deep import deeper

        class Module:
            def fail_hard(self, message):
                print(message)
                sys.exit(1)
    """,
    "pkg/deep/__init__.py": "from pkg.deep.deeper import thing\n",
    "pkg/deep/deeper.py": "thing = 1\n",
    "pkg/other.py": "import json\n",
    "pkg/sub/__init__.py": "",
    "pkg/sub/task.py": """
        from ..exits import (
            Module,
        )
        import pkg.other, os.path as path

        def read(module, name):
            file = open(name)
            try:
                found = file.read()
            except OSError:
                module.fail_hard("no text")
            file.close()
            return found
    """,
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = text.splitlines()
        file.write_text("\n".join(line.removeprefix("        ") for line in lines) + "\n")
    return tmp_path / "pkg"


def test_imports_are_followed_through_the_package(package: Path) -> None:
    task = str(package / "sub" / "task.py")
    names = ("exits.py", "other.py", "deep/__init__.py", "deep/deeper.py")
    got = surroundings([task])
    assert got == [str(package / name) for name in names]
    assert task not in got
    assert surroundings([task]) == got


def test_one_file_alone_shows_what_its_package_shows(package: Path) -> None:
    task = str(package / "sub" / "task.py")
    alone = check([task], Options()).findings
    together = [one for one in check([str(package)], Options()).findings if one.file == task]
    assert [(one.code, one.line, one.tier) for one in alone] == [("KLG101", 8, "E")]
    assert alone == together


def test_a_cached_result_rests_on_the_surroundings(package: Path, tmp_path: Path) -> None:
    task = str(package / "sub" / "task.py")
    options = Options(cache=tmp_path / "cache")
    assert len(check([task], options).findings) == 1
    assert check([task], options).statistics.cached_files == 1
    exits = package / "exits.py"
    exits.write_text(exits.read_text().replace("sys.exit(1)", "pass"))
    assert check([task], options).findings == []


def test_bounds(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = str(package / "sub" / "task.py")
    monkeypatch.setattr(module, "MOST_FILES", 2)
    assert len(surroundings([task])) == 2
    monkeypatch.setattr(module, "SMALL_RUN", 0)
    assert surroundings([task]) == []
    assert surroundings([]) == []
