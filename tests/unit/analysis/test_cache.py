import os
import subprocess
import sys
from dataclasses import replace

import pytest

from kimera_leakguard_native.analysis import cache, engine, frontend
from kimera_leakguard_native.model.finding import CheckStatistics
from kimera_leakguard_native.reporters import check_json

LEAK = "def f(p):\n    return open(p).read()\n"
CLEAN = "def f(p):\n    with open(p) as file:\n        return file.read()\n"
CALLER = "import callee\n\n\ndef g(p):\n    file = open(p)\n    callee.take(file)\n"
CLOSES = "def take(file):\n    file.close()\n"
KEEPS = "def take(file):\n    return len(file.read())\n"


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "caller.py").write_text(CALLER, encoding="utf-8")
    (folder / "callee.py").write_text(CLOSES, encoding="utf-8")
    (folder / "leak.py").write_text(LEAK, encoding="utf-8")
    return folder


def checked(tree, **options):
    result = engine.check([str(tree)], engine.Options(cache=tree.parent / "cache", **options))
    found = [(os.path.basename(one.file), one.line) for one in result.findings]
    return found, result.statistics.cached_files


def shards(tree):
    return sorted((tree.parent / "cache").glob("*.shard"))


def test_a_second_run_has_every_result_already(tree):
    first, second = checked(tree), checked(tree)
    assert first == ([("leak.py", 2)], 0)
    assert second == (first[0], 3)


def test_a_changed_file_is_checked_again_and_no_other(tree):
    checked(tree)
    (tree / "leak.py").write_text(CLEAN, encoding="utf-8")
    assert checked(tree) == ([], 2)


def test_a_changed_callee_changes_the_findings_of_its_caller(tree):
    checked(tree)
    (tree / "callee.py").write_text(KEEPS, encoding="utf-8")
    assert checked(tree) == ([("caller.py", 5), ("leak.py", 2)], 1)
    (tree / "callee.py").write_text(CLOSES, encoding="utf-8")
    assert checked(tree) == ([("leak.py", 2)], 1)


def test_a_callee_that_comes_or_goes_changes_the_findings_of_its_caller(tree):
    checked(tree)
    (tree / "callee.py").rename(tree / "other.py")
    assert checked(tree)[1] == 0


def test_touching_a_file_is_no_change(tree):
    checked(tree)
    os.utime(tree / "leak.py", (1, 1))
    assert checked(tree)[1] == 3


@pytest.mark.parametrize(
    "changed", [{"tiers": ("N",)}, {"select": ("KLG101",)}, {"symbolic": False}]
)
def test_other_options_have_results_of_their_own(tree, changed):
    checked(tree)
    assert checked(tree, **changed)[1] == 0
    assert checked(tree, **changed)[1] == 3
    assert checked(tree)[1] == 3


def test_the_number_of_jobs_is_no_option_that_matters(tree):
    for number in range(40):
        (tree / f"m{number}.py").write_text(LEAK, encoding="utf-8")
    first = checked(tree, jobs=2)
    assert checked(tree, jobs=1) == (first[0], 43)


def test_another_analyzer_has_results_of_its_own(tree, monkeypatch):
    checked(tree)
    monkeypatch.setattr(cache, "_analyzer_digest", lambda: "another")
    assert checked(tree)[1] == 0


def test_the_report_of_a_second_run_is_the_same_to_the_byte(tree):
    options = engine.Options(tiers=("N", "E", "X"), cache=tree.parent / "cache")
    texts = []
    for _ in range(2):
        result = engine.check([str(tree)], options)
        result.statistics.seconds = 0.0
        texts.append(check_json.render(result))
    assert texts[0] == texts[1]
    assert '"path": [' in texts[0]


def damaged(data, kind):
    if kind == "empty":
        return b""
    if kind == "cut":
        return data[: len(data) // 2]
    if kind == "flipped":
        return data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]
    return b"something else entirely"


@pytest.mark.parametrize("kind", ["empty", "cut", "flipped", "foreign"])
def test_a_damaged_shard_is_as_good_as_none(tree, kind):
    first = checked(tree)
    (shard,) = shards(tree)
    shard.write_bytes(damaged(shard.read_bytes(), kind))
    assert checked(tree) == first
    assert checked(tree) == (first[0], 3)


def test_a_shard_that_is_sound_but_of_another_shape_is_as_good_as_none(tree):
    first = checked(tree)
    (shard,) = shards(tree)
    body = b"\x93\x01\x02\x03"
    shard.write_bytes(cache._MAGIC + cache.digest(body) + body)
    assert checked(tree) == first


def test_a_folder_that_cannot_be_written_to_is_no_error(tree):
    (tree.parent / "cache").write_text("a file where the folder would be", encoding="utf-8")
    assert checked(tree) == checked(tree) == ([("leak.py", 2)], 0)


def test_the_folder_says_that_it_is_a_cache(tree):
    checked(tree)
    assert (tree.parent / "cache" / ".gitignore").read_text() == "*\n"
    assert (tree.parent / "cache" / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f59")


def test_the_cache_is_bounded_and_drops_what_was_not_used_for_longest(tree, monkeypatch):
    checked(tree)
    (oldest,) = shards(tree)
    os.utime(oldest, (1, 1))
    checked(tree, tiers=("N",))
    (kept,) = {*shards(tree)} - {oldest}
    os.utime(kept, (2, 2))
    checked(tree)  # a run that only reads counts as a use
    monkeypatch.setattr(cache, "MAX_SHARDS", 2)
    checked(tree, tiers=("E",))
    assert oldest in shards(tree)
    assert kept not in shards(tree)
    monkeypatch.setattr(cache, "MAX_BYTES", 1)
    checked(tree, tiers=("X",))
    assert len(shards(tree)) == 1


def test_what_a_killed_run_left_behind_goes_too(tree, monkeypatch):
    checked(tree)
    dead = tree.parent / "cache" / "dead.123.tmp"
    dead.write_bytes(b"half")
    os.utime(dead, (1, 1))
    monkeypatch.setattr(cache, "MAX_SHARDS", 2)
    checked(tree, tiers=("N",))
    assert not dead.exists()


def test_files_that_do_not_parse_are_looked_at_again(tree):
    (tree / "broken.py").write_text("def f(:\n", encoding="utf-8")
    assert checked(tree)[1] == 0
    result = engine.check([str(tree)], engine.Options(cache=tree.parent / "cache"))
    assert [os.path.basename(error.file) for error in result.errors] == ["broken.py"]
    assert result.statistics.cached_files == 3


def test_a_file_that_changes_while_the_run_reads_it_is_not_kept(tree, monkeypatch):
    real = frontend.read
    reads = []

    def read(path):
        data = real(path)
        if path.endswith("leak.py"):
            reads.append(path)
            if len(reads) == 2:  # imports, digest; the check comes next
                (tree / "leak.py").write_text(CLEAN, encoding="utf-8")
        return data

    monkeypatch.setattr(frontend, "read", read)
    assert checked(tree) == ([], 0)
    monkeypatch.undo()
    assert checked(tree) == ([], 2)


def test_statistics_count_cached_files_as_if_they_were_new(tree):
    first = engine.check([str(tree)], engine.Options(cache=tree.parent / "cache")).statistics
    second = engine.check([str(tree)], engine.Options(cache=tree.parent / "cache")).statistics
    same = {"cached_files": 0, "seconds": 0.0}
    assert replace(first, **same) == replace(second, **same)
    assert second != CheckStatistics()


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_a_name_that_is_no_text_is_checked_and_not_kept(tree):
    odd = os.fsencode(tree) + b"/latin\xe9.py"
    with open(odd, "w", encoding="utf-8") as file:
        file.write(LEAK)
    found, hits = checked(tree)
    assert len(found) == 2
    assert hits == 0
    assert checked(tree) == (found, 3)


def test_runs_at_the_same_time_do_not_disturb_each_other(tree):
    for number in range(30):
        (tree / f"m{number}.py").write_text(LEAK, encoding="utf-8")
    command = [sys.executable, "-m", "kimera_leakguard_native", "check", str(tree)]
    environment = {**os.environ, "KLG_CACHE_DIR": str(tree.parent / "cache")}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(4)]
    outputs = {process.communicate()[0] for process in running}
    assert len(outputs) == 1
    assert {process.returncode for process in running} == {1}
    assert checked(tree, fixes=True)[1] == 33
    assert not list((tree.parent / "cache").glob("*.tmp"))


def test_the_cache_lies_beside_the_project_or_with_the_user(tmp_path, monkeypatch):
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").touch()
    here = cache.default_folder(tmp_path / "project" / "src")
    assert here == (tmp_path / "project" / ".klg-cache").resolve()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert cache.default_folder(tmp_path) == tmp_path / "home" / "kimera-leakguard"


def test_a_module_beside_the_run_counts_too(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "callee.py").write_text(CLOSES, encoding="utf-8")
    caller = package / "caller.py"
    caller.write_text(CALLER.replace("import callee", "from package import callee"), "utf-8")

    def run():
        result = engine.check([str(caller)], engine.Options(cache=tmp_path / "cache"))
        return [one.line for one in result.findings], result.statistics.cached_files

    assert run() == ([], 0)
    assert run() == ([], 1)
    (package / "callee.py").write_text(KEEPS, encoding="utf-8")
    assert run() == ([5], 0)
    assert run() == ([5], 1)
