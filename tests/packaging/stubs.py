"""Write the stubs of the extension module, or with --check say which are stale."""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COMMITTED = Path(__file__).parents[2] / "python" / "kimera_leakguard_native" / "_core"


def generate(folder: Path) -> Path:
    """Generate the stubs of the installed module and give their folder."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pybind11_stubgen",
            "kimera_leakguard_native._core",
            "--output-dir",
            str(folder),
            "--numpy-array-use-type-var",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder / "kimera_leakguard_native" / "_core"


def differences(fresh: Path) -> list[str]:
    """Name the files that differ between the fresh stubs and the committed ones."""
    names = {p.relative_to(fresh) for p in fresh.rglob("*.pyi")}
    names |= {p.relative_to(COMMITTED) for p in COMMITTED.rglob("*.pyi")}
    return sorted(
        str(name)
        for name in names
        if not (fresh / name).is_file()
        or not (COMMITTED / name).is_file()
        or not filecmp.cmp(fresh / name, COMMITTED / name, shallow=False)
    )


def main() -> int:
    """Replace the committed stubs, or with --check only say which are stale."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = generate(Path(folder))
        stale = differences(fresh)
        if "--check" in sys.argv[1:]:
            for name in stale:
                sys.stdout.write(f"stale stub: {name}; run python tests/packaging/stubs.py\n")
            return 1 if stale else 0
        shutil.rmtree(COMMITTED, ignore_errors=True)
        shutil.copytree(fresh, COMMITTED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
