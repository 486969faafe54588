"""The score finds what is planted, misses what is planted to be missed, and hides nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from corpora.download import Downloads
from corpora.klg import Alarm, Checked, CheckFailed
from leak_fixes import command, peers, rows, score
from leak_fixes.sources import MOST_MODULES, Sources, locate, package_of

HEAD = (
    "repo\tfix_commit\tparent_commit\tfile\tline_of_leak_in_parent\tkind\t"
    "detectable_intraprocedurally\treason\ttier\tpypi_pkg\tpypi_version_before\t"
    "line_in_version_before\tpypi_version_after\treportable\n"
)


def table(tmp_path: Path, *cells: dict[str, str]) -> Path:
    path = tmp_path / "table.tsv"
    default = {
        "repo": "own/repo",
        "fix_commit": "f",
        "parent_commit": "p",
        "file": "src/pkg/a.py",
        "line_of_leak_in_parent": "3",
        "kind": "file.never_closed",
        "detectable_intraprocedurally": "y",
        "reason": "r",
        "tier": "N",
        "pypi_pkg": "pkg",
        "pypi_version_before": "1.0",
        "line_in_version_before": "",
        "pypi_version_after": "1.1",
        "reportable": "y",
    }
    lines = ["\t".join({**default, **row}.values()) + "\n" for row in cells]
    path.write_text(HEAD + "".join(lines))
    return path


def row(tmp_path: Path, **cells: str) -> rows.Row:
    return rows.read(table(tmp_path, cells), all_rows=True)[0]


def alarm(line: int, code: str = "KLG101", tier: str = "N", file: str = "a.py") -> Alarm:
    return Alarm(file, line, code, tier)


def test_only_reportable_rows_unless_all_are_wanted(tmp_path: Path) -> None:
    path = table(tmp_path, {"reportable": "n"}, {"line_in_version_before": "7,9"})
    assert [r.lines for r in rows.read(path)] == [(7, 9)]
    assert len(rows.read(path, all_rows=True)) == 2


def test_a_bad_table_names_the_line(tmp_path: Path) -> None:
    path = table(tmp_path, {}, {"tier": "Q"})
    with pytest.raises(rows.BadTable, match=r"table\.tsv:3.*tier 'Q'"):
        rows.read(path)


@pytest.mark.parametrize(
    ("line", "code", "hit"),
    [
        (10, "KLG101", True),
        (12, "KLG101", True),
        (8, "KLG501", True),
        (13, "KLG101", False),
        (7, "KLG101", False),
        (10, "KLG201", False),
        (10, "KLG901", False),
    ],
)
def test_a_hit_is_of_the_kind_and_near(tmp_path: Path, line: int, code: str, hit: bool) -> None:
    one = row(tmp_path)
    alarms = score.of_kind(one, [alarm(line, code)])
    assert score.outcome(one, alarms, [10], None, set()).hit is hit


@pytest.mark.parametrize(
    ("kind", "tier", "code", "fits"),
    [
        ("cache.module_dict", "M", "KLG201", True),
        ("cache.module_dict", "M", "KLG101", False),
        ("refcycle.closure", "M", "KLG401", True),
        ("asyncio.dangling_task", "D", "KLG402", True),
        ("asyncio.dangling_task", "D", "KLG101", False),
        ("torch.graph_retention", "M", "KLG301", True),
        ("mp.queue_not_closed", "N", "KLG105", True),
    ],
)
def test_families(tmp_path: Path, kind: str, tier: str, code: str, fits: bool) -> None:
    assert bool(score.of_kind(row(tmp_path, kind=kind, tier=tier), [alarm(3, code)])) is fits


def test_the_tier_is_compared_apart_from_the_hit(tmp_path: Path) -> None:
    one = row(tmp_path)
    assert score.outcome(one, [alarm(3, tier="E")], [3], None, set()).same_tier is False
    assert score.outcome(one, [alarm(3, tier="N")], [3], None, set()).same_tier is True


def test_lines_are_followed_into_the_fixed_file() -> None:
    before = ["import a", "f = open(p)", "x = f.read()", "return x", "tail()"]
    after = ["import a", "import b", "with open(p) as f:", "    x = f.read()", "return x", "tail()"]
    assert score.counterpart(before, after, [4]) == {5}
    assert score.counterpart(before, after, [2]) == {2, 3, 4}
    assert score.counterpart(before, before[:1] + before[3:], [2]) == set()


def test_a_fix_that_is_not_between_two_releases_is_seen() -> None:
    before, after = BEFORE.splitlines(), AFTER.splitlines()
    moved = ["import sys", "", *before]
    assert score.same_function(before, moved, [4]) is True
    assert score.same_function(before, after, [4]) is False
    assert score.same_function(before, before, [1]) is False  # no function holds line 1
    assert score.same_function(["def f(:"], before, [1]) is False


def test_silence_is_judged_where_the_leak_was(tmp_path: Path) -> None:
    one = row(tmp_path)
    before = [alarm(3)]
    assert score.outcome(one, before, [3], [alarm(40)], {5}).silent_after is True
    assert score.outcome(one, before, [3], [alarm(5)], {5}).silent_after is False
    assert score.outcome(one, before, [3], None, set()).silent_after is None


@pytest.mark.parametrize(
    ("file", "released", "found"),
    [
        ("src/pkg/a.py", "src/pkg/a.py", True),
        ("src/pkg/a.py", "pkg/a.py", True),
        ("lib/x/pkg/moved.py", "other/place/moved.py", True),
        ("setup.py", "setup.py", True),
        ("setup.py", "deep/setup.py", False),
        ("src/pkg/__init__.py", "other/__init__.py", False),
        ("src/pkg/a.py", "pkg/b.py", False),
    ],
)
def test_files_are_found_in_a_release(
    tmp_path: Path, file: str, released: str, found: bool
) -> None:
    (tmp_path / released).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / released).write_text("")
    assert locate(tmp_path, file) == (tmp_path / released if found else None)


def test_two_files_of_one_name_are_not_guessed(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text("")
    assert locate(tmp_path, "src/pkg/a.py") is None


BEFORE = "import os\n\ndef f(p):\n    h = open(p)\n    return h.read()\n"
AFTER = "import os\n\ndef f(p):\n    with open(p) as h:\n        return h.read()\n"


def release(cache: Path, version: str, **files: str) -> None:
    for name, text in files.items():
        path = cache / "sdist" / f"pkg-{version}" / f"pkg-{version}" / "pkg" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def pretend(paths: list[Path], *options: str) -> Checked:
    """Report what the real command should: every `open` that is not in a `with`."""
    (path,) = paths
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    alarms: list[Alarm] = []
    lines = 0
    for file in files:
        text = file.read_text().splitlines()
        lines += len(text)
        if "crash" in file.name:
            message = "internal error"
            raise CheckFailed(message)
        for number, line in enumerate(text, start=1):
            if "= open(" in line:
                alarms.append(Alarm(str(file), number, "KLG101", "N"))
            if "except" in line and "--all" in options:
                alarms.append(Alarm(str(file), number, "KLG101", "X"))
    return Checked(tuple(alarms), (), lines, 0.1)


@pytest.mark.parametrize("tree", [False, True])
def test_the_command_finds_the_planted_hit_and_the_planted_miss(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tree: bool,
) -> None:
    monkeypatch.setattr(command, "check", pretend)
    cache = tmp_path / "cache"
    release(cache, "1.0", a=BEFORE, missed="x = 1\n" * 9, crash=BEFORE, patched=AFTER)
    release(cache, "1.1", a=AFTER, missed="x = 1\n" * 9, crash=AFTER, patched=AFTER)
    (cache / "sdist" / "gone-1.0.unavailable").write_text("No matching distribution\n")
    (cache / "wheel").mkdir()
    (cache / "wheel" / "gone-1.0.unavailable").write_text("No matching distribution\n")
    planted = table(
        tmp_path,
        {"line_in_version_before": "4"},
        {"file": "src/pkg/missed.py"},
        {"pypi_pkg": "gone"},
        {"pypi_pkg": ""},
        {"file": "src/pkg/a.py", "tier": "E", "detectable_intraprocedurally": "n"},
        {"file": "src/pkg/patched.py", "line_in_version_before": "4"},
    )
    out = tmp_path / "out.json"
    arguments = ["--table", str(planted), "--cache", str(cache), "--json", str(out)]
    if tree:
        for version in ("1.0", "1.1"):
            (cache / f"sdist/pkg-{version}/pkg-{version}/pkg/crash.py").unlink()
    assert command.main([*arguments, *(["--tree"] if tree else [])]) == 0
    text = capsys.readouterr().out
    recalls = {line.split("  ")[0]: line for line in text.split("silent on")[0].splitlines()}
    assert "1/2 (50 %)" in recalls["N, default"]
    assert "1/1 (100 %)" in recalls["E, default"]
    assert "1/1 (100 %)" in recalls["needs a callee or the class"]
    assert recalls["M, --all"].rstrip().endswith("-")
    assert "2/2 (100 %)" in text.split("silent on")[1]
    assert "3 rows could not be scored" in text
    assert "the fix is not between 1.0 and 1.1" in text
    assert "No matching distribution" in text
    assert "no released version in the table" in text
    assert "hit, other tier" in text
    scored = json.loads(out.read_text())
    hits = [one["outcomes"].get("klg", {}).get("hit") for one in scored]
    assert hits == [True, False, None, None, True, None]


def test_a_file_that_cannot_be_checked_is_a_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "check", pretend)
    release(tmp_path / "cache", "1.0", crash=BEFORE)
    release(tmp_path / "cache", "1.1", crash=AFTER)
    planted = table(tmp_path, {"file": "src/pkg/crash.py", "line_in_version_before": "4"})
    command.main(["--table", str(planted), "--cache", str(tmp_path / "cache")])
    text = capsys.readouterr().out
    assert "0/1 (0 %)" in text
    assert "internal error" in text


def test_a_table_of_nothing_but_unavailable_rows_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planted = table(tmp_path, {"pypi_pkg": ""})
    assert command.main(["--table", str(planted), "--cache", str(tmp_path / "cache")]) == 2
    assert command.main(["--table", str(tmp_path / "no"), "--cache", str(tmp_path)]) == 2
    capsys.readouterr()


def test_peers_see_the_planted_leak(tmp_path: Path) -> None:
    found = peers.installed([Path(sys.executable).parent], None)
    if "ruff" not in found:
        pytest.skip("ruff is not installed: pip install .[lint]")
    leaky, clean = tmp_path / "leaky.py", tmp_path / "clean.py"
    leaky.write_text(BEFORE)
    clean.write_text(AFTER)
    assert [a.line for a in found["ruff"](leaky)] == [4]
    assert found["ruff"](clean) == []


def test_bugbear_lines_are_read() -> None:
    lines = ["a/b.py:12:5: B019 Use of `functools.lru_cache`", "a/b.py:1:1: E999 no", "noise"]
    found = list(peers._bugbear_alarms(lines))
    assert [(a.file, a.line, a.code) for a in found] == [("a/b.py", 12, "B019")]


def test_package_is_the_outermost_that_is_not_too_large():
    modules = ["lib/a/__init__.py", "lib/a/b/__init__.py", "lib/a/b/c.py", "lib/setup.py"]
    assert package_of("lib/a/b/c.py", modules) == "lib/a"
    many = [f"lib/a/x{number}.py" for number in range(MOST_MODULES)]
    assert package_of("lib/a/b/c.py", [*modules, *many]) == "lib/a/b"
    assert package_of("lib/setup.py", modules) == ""


def test_package_of_a_commit_is_taken_for_rows_that_need_it(tmp_path):
    clone = tmp_path / "clones" / "own+repo"
    package = clone / "src" / "pkg"
    (package / "tests").mkdir(parents=True)
    for name in ("__init__.py", "a.py", "b.py", "tests/__init__.py", "tests/c.py"):
        (package / name).write_text("x = 1\n")
    git = ["git", "-C", str(clone), "-c", "user.name=n", "-c", "user.email=e"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "m"]):
        subprocess.run([*git, *arguments], check=True)
    local, other = rows.read(
        table(
            tmp_path,
            {**NO_RELEASE, "detectable_intraprocedurally": "y"},
            {**NO_RELEASE, "detectable_intraprocedurally": "n"},
        )
    )
    sources = Sources(Downloads(tmp_path), tmp_path / "taken", tmp_path / "clones", packages=True)
    assert [path.name for path in sources.before(local).root.iterdir()] == ["a.py"]
    found = sources.before(other)
    assert sorted(path.name for path in found.root.iterdir()) == ["__init__.py", "a.py", "b.py"]
    assert found.path == found.root / "a.py"


NO_RELEASE = {
    "parent_commit": "HEAD",
    "pypi_pkg": "",
    "pypi_version_before": "",
    "pypi_version_after": "",
}
