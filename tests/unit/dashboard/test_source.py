from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kimera_leakguard_native.dashboard.source import SourceRoots

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def roots(tmp_path: Path) -> SourceRoots:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("".join(f"line {n}\n" for n in range(1, 101)))
    (tmp_path / "secret.py").write_text("password\n")
    (tmp_path / "src" / "key.pem").write_text("private\n")
    (tmp_path / "src" / "link.py").symlink_to(tmp_path / "secret.py")
    (tmp_path / "srcs.py").write_text("beside\n")
    return SourceRoots([tmp_path / "src"])


def test_lines_around_one_are_given(roots: SourceRoots, tmp_path: Path) -> None:
    lines = roots.around(str(tmp_path / "src" / "app.py"), 50)
    assert lines is not None
    assert [row["number"] for row in lines] == list(range(42, 59))
    assert lines[8]["text"] == "line 50"
    assert len(roots.around(str(tmp_path / "src" / "app.py"), 1) or []) == 9
    assert roots.around(str(tmp_path / "src" / "app.py"), 10_000) == []


@pytest.mark.parametrize(
    "file",
    [
        "secret.py",
        "src/../secret.py",
        "src/link.py",
        "src/key.pem",
        "srcs.py",
        "src",
        "src/nothing.py",
        "src/app.py\0.pem",
        "",
    ],
)
def test_nothing_else_is(roots: SourceRoots, tmp_path: Path, file: str) -> None:
    assert roots.around(f"{tmp_path}/{file}" if file else "", 1) is None


def test_without_roots_nothing_is_shown(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x\n")
    assert SourceRoots([]).around(str(tmp_path / "a.py"), 1) is None
