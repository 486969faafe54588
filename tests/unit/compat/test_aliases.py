from __future__ import annotations

import importlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import kimera_leakguard_native as klg
from kimera_leakguard_native.compat import install_import_aliases, remove_import_aliases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GUARDIAN = "kimera_memory_leak_guardian"
INTEGRATION = "kimera_leak_detection_integration"


@pytest.fixture
def aliases() -> Iterator[None]:
    install_import_aliases()
    install_import_aliases()
    yield
    remove_import_aliases()


def test_nothing_of_that_name_exists_unasked() -> None:
    remove_import_aliases()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"backend.analysis.{GUARDIAN}")


@pytest.mark.usefixtures("aliases")
@pytest.mark.parametrize("package", ["backend.analysis", "analysis"])
def test_historic_modules_give_our_names(package: str) -> None:
    guardian = importlib.import_module(f"{package}.{GUARDIAN}")
    assert guardian.KimeraMemoryLeakGuardian is klg.KimeraMemoryLeakGuardian
    assert guardian.analyze_for_leaks is klg.analyze_for_leaks
    integration = importlib.import_module(f"{package}.{INTEGRATION}")
    assert integration.LeakDetectionIntegration is klg.LeakDetectionIntegration
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"{package}.something_else")


@pytest.mark.usefixtures("aliases")
def test_a_real_package_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "backend" / "analysis"
    package.mkdir(parents=True)
    (tmp_path / "backend" / "__init__.py").write_text("REAL = True\n")
    (package / "__init__.py").write_text("")
    (package / f"{GUARDIAN}.py").write_text("MINE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert importlib.import_module(f"backend.analysis.{GUARDIAN}").MINE == 1
        assert importlib.import_module(f"backend.analysis.{INTEGRATION}").LeakDetectionIntegration
        assert sys.modules["backend"].REAL
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "backend"]:
            del sys.modules[name]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native.compat", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_programs_run_with_the_historic_paths(tmp_path: Path) -> None:
    line = f"from backend.analysis.{GUARDIAN} import initialize_memory_leak_guardian as f; "
    assert run("-c", line + "print(type(f()).__name__)").stdout == "KimeraMemoryLeakGuardian\n"
    script = tmp_path / "main.py"
    (tmp_path / "beside.py").write_text("X = 5\n")
    script.write_text(line + "import sys, beside; print(beside.X, sys.argv[1:]); sys.exit(4)\n")
    done = run(str(script), "--flag")
    assert (done.returncode, done.stdout) == (4, "5 ['--flag']\n"), done.stderr


def test_usage_is_said() -> None:
    for arguments in ((), ("-m",), ("-c",)):
        done = run(*arguments)
        assert done.returncode == 2
        assert "usage:" in done.stderr
