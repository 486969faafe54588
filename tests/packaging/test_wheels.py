"""A wheel works where there is neither compiler nor toolkit nor driver."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("KLG_TEST_WHEELS") != "1",
        reason="builds two wheels, which takes minutes: KLG_TEST_WHEELS=1 asks for it",
    ),
]


@pytest.fixture(scope="module", params=["ON", "OFF"], ids=["with CUDA", "CPU only"])
def wheel(request, tmp_path_factory):
    if request.param == "ON" and shutil.which("nvcc") is None:
        pytest.skip("no nvcc")
    output = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, ROOT / "packaging" / "wheels.py", "--output", output]
    # One architecture: what is tested does not depend on their number.
    command += ["--cuda", request.param, "--architectures", "80", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [path] = output.glob("*.whl")
    return request.param, path


def elf_needs(path):
    """Libraries that an ELF file asks the loader for."""
    dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True)
    lines = [line for line in dynamic.stdout.splitlines() if "(NEEDED)" in line]
    return {line.split("[")[1].rstrip("]") for line in lines}


def test_it_needs_no_library_of_cuda(wheel, tmp_path):
    _, path = wheel
    assert "manylinux" in path.name
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    libraries = list(tmp_path.rglob("*.so*"))
    assert {library.name.partition(".")[0] for library in libraries} >= {
        "_core",
        "libklg_pymem",
        "libklg_preload",
    }
    for library in libraries:
        assert not [name for name in elf_needs(library) if "cuda" in name], library.name
    assert path.stat().st_size < 5 * 2**20


def test_it_works_in_a_bare_environment(wheel, tmp_path):
    cuda, path = wheel
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    folder = tmp_path / "venv" / "bin"
    # The installer may look things up as it is used to; what is installed runs without a PATH.
    subprocess.run([folder / "python", "-m", "pip", "install", "-q", path], check=True)
    bare = {"PATH": str(folder), "HOME": str(tmp_path)}
    assert shutil.which("cc", path=bare["PATH"]) is None
    assert shutil.which("nvcc", path=bare["PATH"]) is None

    def klg(*arguments):
        done = subprocess.run(
            [folder / "klg", *arguments],
            capture_output=True,
            text=True,
            env=bare,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    script = (
        "import sys, kimera_leakguard_native as klg\n"
        "assert 'numpy' not in sys.modules\n"
        "from kimera_leakguard_native import _core\n"
        "print(_core.cuda.built())\n"
    )
    built = subprocess.run(
        [folder / "python", "-c", script], capture_output=True, text=True, env=bare, check=True
    )
    assert built.stdout.strip() == str(cuda == "ON")
    facts = json.loads(klg("doctor", "--json"))
    assert facts["cuda"]["built"] == (cuda == "ON")
    klg("bench", "slots", "--quick", "--json", str(tmp_path / "figures.json"))
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["results"]
    assert all(result["checked"] for result in figures["results"])
