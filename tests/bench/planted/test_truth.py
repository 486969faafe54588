"""The planted programs and the truth about them belong together, and every program runs."""

import json
import subprocess
import sys

import pytest

from planted.truth import CLEAN_VERDICTS, FOLDER, TRUTH, load, marked_lines

PROGRAMS = load()
SHARED = {"traffic"}


def test_there_are_enough_of_both_kinds():
    assert sum(program.leaks for program in PROGRAMS) >= 25
    assert sum(not program.leaks for program in PROGRAMS) >= 15


def test_each_program_has_an_entry_and_each_entry_a_program():
    files = {path.stem for path in FOLDER.glob("*.py")} - SHARED
    assert files == set(json.loads(TRUTH.read_text(encoding="utf-8")))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_leaks_are_marked_and_clean_programs_are_not(program):
    assert bool(program.lines) == program.leaks
    assert (program.rate > 0) == program.leaks
    assert program.leaks == (program.line or program.native)
    assert program.leaks or program.fair <= CLEAN_VERDICTS


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_knows_nothing_of_the_tools_that_watch_it(program):
    text = program.path.read_text(encoding="utf-8").lower()
    assert not any(word in text for word in ("kimera", "klg", "tracemalloc", "memray"))


def test_only_a_marker_at_the_end_of_a_line_counts(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("a = 1  # leak\n# leaks nothing\nb = '# leak'\nc = 2  # leak\n")
    assert marked_lines(path) == {1, 4}


def test_an_unknown_name_is_an_error():
    with pytest.raises(SystemExit, match="no planted program nothing_of_the_kind"):
        load(("nothing_of_the_kind",))


def run(program, seed):
    command = [sys.executable, "-W", "error", str(program.path), "--seconds", "0.1", "--seed", seed]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_runs_without_a_warning(program):
    if program.missing():
        pytest.skip(f"{program.name} needs {program.missing()}")
    process = run(program, "1")
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout


@pytest.mark.parametrize("name", ["fragmentation", "growing_dict", "object_pool"])
def test_the_seed_decides_what_a_program_does(name):
    (program,) = load((name,))
    assert run(program, "3").stdout == run(program, "3").stdout != run(program, "4").stdout


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_mark_lies_on_a_line_that_can_allocate(program):
    lines = program.path.read_text(encoding="utf-8").splitlines()
    marked = [lines[number - 1].removesuffix("# leak").strip() for number in program.lines]
    assert not [line for line in marked if line.strip("()[]{},") == ""]
