"""Releases are fetched by pip, never built and never run."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from corpora.download import Downloads, Unavailable
from corpora.klg import read

if TYPE_CHECKING:
    from pathlib import Path

SENTINEL = "setup.py was run"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of archives that pip takes for the whole index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def sdist(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    stem = f"{name}-{version}"
    with tarfile.open(folder / f"{stem}.tar.gz", "w:gz") as archive:
        info = f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n"
        for path, text in {**files, "PKG-INFO": info}.items():
            member = tarfile.TarInfo(f"{stem}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


def test_a_source_archive_is_fetched_without_running_its_setup(tmp_path: Path, index: Path) -> None:
    touched = tmp_path / SENTINEL
    setup = f"open({str(touched)!r}, 'w').close()\nraise SystemExit('built')\n"
    sdist(index, "planted", "1.0", {"setup.py": setup, "planted/a.py": "x = 1\n"})
    release = Downloads(tmp_path / "cache").fetch("planted", "1.0")
    assert (release.root / "planted" / "a.py").read_text() == "x = 1\n"
    assert release.kind == "sdist"
    assert not touched.exists()
    # A second call needs no pip.
    for archive in index.iterdir():
        archive.unlink()
    assert Downloads(tmp_path / "cache").fetch("planted", "1.0") == release


def test_a_wheel_stands_in_where_there_is_no_source(tmp_path: Path, index: Path) -> None:
    name = "planted-2.0.dist-info"
    with zipfile.ZipFile(index / "planted-2.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("planted/a.py", "x = 2\n")
        wheel.writestr(f"{name}/METADATA", "Metadata-Version: 2.1\nName: planted\nVersion: 2.0\n")
        wheel.writestr(f"{name}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{name}/RECORD", "")
    release = Downloads(tmp_path / "cache").fetch("planted", "2.0")
    assert (release.kind, (release.root / "planted/a.py").read_text()) == ("wheel", "x = 2\n")


def test_a_post_release_that_is_gone_is_replaced_by_its_base(tmp_path: Path, index: Path) -> None:
    sdist(index, "planted", "1.0", {"setup.py": "", "a.py": ""})
    assert Downloads(tmp_path / "cache").fetch("planted", "1.0.post1").version == "1.0"


@pytest.mark.usefixtures("index")
def test_what_cannot_be_had_says_why_and_is_remembered(tmp_path: Path) -> None:
    downloads = Downloads(tmp_path / "cache")
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"No matching distribution found for absent==1\.0"):
            downloads.fetch("absent", "1.0")
    assert list((tmp_path / "cache").rglob("*.unavailable"))


def test_an_archive_that_leads_outside_is_refused(tmp_path: Path, index: Path) -> None:
    sdist(index, "planted", "3.0", {"setup.py": "", "../../escaped.py": "x = 1\n"})
    with pytest.raises(Unavailable):
        Downloads(tmp_path / "cache").fetch("planted", "3.0")
    assert not list(tmp_path.rglob("escaped.py"))


def test_a_report_is_read_as_the_command_prints_it() -> None:
    finding = {"file": "a.py", "line": 3, "code": "KLG101", "tier": "N", "message": "m", "more": 1}
    report = {
        "findings": [finding],
        "errors": [{"file": "b.py", "message": "no"}],
        "statistics": {"lines": 10, "seconds": 0.5},
    }
    checked = read(report)
    assert [(a.file, a.line, a.code, a.tier) for a in checked.alarms] == [
        ("a.py", 3, "KLG101", "N")
    ]
    assert checked.errors == (("b.py", "no"),)
    assert checked.lines == 10
