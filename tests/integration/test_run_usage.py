"""What `klg run` says to a wrong command line."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--native", "got", "--preload"], "choose one"),
        (["--sample-bytes", "0"], "sample-bytes"),
        (["--interval", "-1"], "interval"),
        (["--nonsense"], "--nonsense"),
        (["--report", "/nowhere/at/all.json"], "cannot write the report"),
    ],
)
def test_options_that_cannot_be_honoured_are_refused(klg_run, options, message):
    ran = klg_run("print('must not run')", options=options)
    assert ran.returncode == 2
    assert message in ran.stderr
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr


def test_a_missing_program_is_named(klg_run):
    ran = klg_run(None, name="absent.py")
    assert ran.returncode == 2
    assert "absent.py" in ran.stderr
    assert "No such file" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_directory_without_main_is_named(klg_run, tmp_path):
    (tmp_path / "folder").mkdir()
    ran = klg_run(None, name="folder")
    assert ran.returncode == 2
    assert "folder is a directory without __main__.py" in ran.stderr


def test_a_directory_with_main_runs(klg_run, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "__main__.py").write_text("print('main of a folder')")
    ran = klg_run(None, name="folder")
    assert ran.stdout == "main of a folder\n"


def test_a_null_byte_is_the_programs_own_error(klg_run, tmp_path):
    (tmp_path / "null.py").write_bytes(b"print('x')\n\0\n")
    ran = klg_run(None, name="null.py")
    command = [sys.executable, str(tmp_path / "null.py")]
    bare = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == bare.returncode  # 3.10 reads up to it, later versions refuse it
    assert ran.stderr.startswith(bare.stderr)
    assert "kimera_leakguard" not in ran.stderr


def test_options_after_the_program_are_its_own(klg_run):
    ran = klg_run("import sys; print(sys.argv[1:])", "--report", "x", "-m", "--help")
    assert ran.stdout == "['--report', 'x', '-m', '--help']\n"
