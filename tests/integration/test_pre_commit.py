"""The hooks work under pre-commit itself: they pass, they fail, and they get only Python files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAK = "def f(p):\n    return open(p).read()\n"
CLEAN = "def f(p):\n    with open(p) as file:\n        return file.read()\n"

pytest.importorskip("pre_commit", reason="pre-commit is not installed")
if shutil.which("git") is None:
    pytest.skip("git is not installed", allow_module_level=True)


def git(folder, *arguments):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )


@pytest.fixture
def environment(tmp_path):
    scripts = str(Path(sys.executable).parent)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return {
        **kept,
        "PATH": scripts + os.pathsep + os.environ["PATH"],
        "PRE_COMMIT_HOME": str(tmp_path / "home"),
        "KLG_CACHE_DIR": str(tmp_path / "cache"),
    }


def pre_commit(folder, environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def repository(tmp_path):
    """A repository that uses the hooks of another one, which has nothing but our manifest."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    git(hooks, "init", "-q")
    git(hooks, "add", ".")
    git(hooks, "commit", "-qm", "hooks")
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=hooks, check=True, capture_output=True, text=True
    ).stdout.strip()
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {hooks}\n  rev: {revision}\n  hooks:\n  - id: klg-check-installed\n",
        encoding="utf-8",
    )
    return folder


def test_the_manifest_is_valid(tmp_path, environment):
    done = pre_commit(ROOT, environment, "validate-manifest", ".pre-commit-hooks.yaml")
    assert done.returncode == 0, done.stdout


def test_a_leak_fails_the_commit_and_a_clean_file_does_not(repository, environment):
    (repository / "clean.py").write_text(CLEAN, encoding="utf-8")
    (repository / "notes.txt").write_text(LEAK, encoding="utf-8")
    git(repository, "add", ".")
    done = pre_commit(repository, environment, "run")
    assert done.returncode == 0, done.stdout
    assert "Passed" in done.stdout
    (repository / "leak.py").write_text(LEAK, encoding="utf-8")
    git(repository, "add", ".")
    done = pre_commit(repository, environment, "run")
    assert done.returncode == 1
    assert "leak.py:2:12: KLG101" in done.stdout
    assert "notes.txt" not in done.stdout
