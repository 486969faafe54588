"""The command line as a process: versions, help, errors and exit codes."""

import json
import os
import subprocess
import sys

import pytest

from kimera_leakguard_native._version import __version__


def klg(*arguments, **kwargs):
    return subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native", *arguments],
        capture_output=True,
        text=True,
        check=False,
        **kwargs,
    )


def test_version():
    done = klg("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"klg {__version__}")


def test_help_lists_every_verb():
    done = klg("--help")
    assert done.returncode == 0
    for verb in ("baseline", "bench", "check", "config", "doctor", "rule", "run"):
        assert verb in done.stdout


@pytest.mark.parametrize("verb", ["baseline", "bench", "check", "config", "doctor", "rule", "run"])
def test_each_verb_explains_itself_with_an_example(verb):
    done = klg(verb, "--help")
    assert done.returncode == 0
    assert "Example:" in done.stdout


def test_an_unknown_verb_is_a_usage_error():
    done = klg("chekc")
    assert done.returncode == 2
    assert "chekc" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_error_is_a_message(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.kimera-leakguard]\njob = 1\n")
    done = klg("config", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'jobs'" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_tells_the_build_and_the_machine():
    facts = json.loads(klg("doctor", "--json").stdout)
    assert facts["version"] == __version__
    assert facts["cuda"]["devices"] >= 0
    assert facts["cuda"]["devices"] > 0 or facts["cuda"]["reason"]
    assert facts["hooks"]["usable"] or facts["hooks"]["reason"]
    assert all(part["version"] or part["install"] for part in facts["parts"].values())


def test_doctor_in_words_fits_the_facts():
    words = klg("doctor").stdout
    assert words.startswith("build")
    assert "hooks" in words
    assert "allocator" in words


def test_a_closed_pipe_is_not_an_error():
    done = subprocess.run(
        f"{sys.executable} -m kimera_leakguard_native --help | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Traceback" not in done.stderr


def test_the_shell_completes_verbs():
    asked = {"_KLG_COMPLETE": "bash_complete", "COMP_WORDS": "klg da", "COMP_CWORD": "1"}
    done = klg(env={**os.environ, **asked})
    assert done.stdout.split() == ["plain,dashboard"], done.stderr
