"""A build backend that builds nothing, so that pip can fetch a source archive without running it.

`pip download` asks the archive's build backend for metadata, and that runs its `setup.py`. These
stand-ins answer to the names of the usual backends and copy name and version from `PKG-INFO`.
"""

from __future__ import annotations

from pathlib import Path

MODULES = (
    "setuptools/build_meta",
    "flit_core/buildapi",
    "hatchling/build",
    "pdm/backend",
    "poetry/core/masonry/api",
)

_HOOKS = """
import pathlib

class _Backend:
    @staticmethod
    def get_requires_for_build_wheel(config_settings=None):
        return []

    @staticmethod
    def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
        lines = pathlib.Path("PKG-INFO").read_text("utf-8", "replace").splitlines()
        kept = [line for line in lines if line.startswith(("Name:", "Version:"))][:2]
        fields = dict(line.split(": ", 1) for line in kept)
        stem = "-".join(fields[key].strip().replace("-", "_") for key in ("Name", "Version"))
        name = f"{stem}.dist-info"
        folder = pathlib.Path(metadata_directory) / name
        folder.mkdir()
        (folder / "METADATA").write_text("\\n".join(["Metadata-Version: 2.1", *kept]) + "\\n")
        return name

    @staticmethod
    def build_wheel(*args, **kwargs):
        raise RuntimeError("source archives are read here, not built")

__legacy__ = _Backend
get_requires_for_build_wheel = _Backend.get_requires_for_build_wheel
prepare_metadata_for_build_wheel = _Backend.prepare_metadata_for_build_wheel
build_wheel = _Backend.build_wheel
"""


def write(folder: Path) -> None:
    """Lay the stand-ins out in a folder that goes first on the module search path."""
    for name in MODULES:
        module = folder / f"{name}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(_HOOKS)
        for package in module.relative_to(folder).parents:
            # A folder without this file would lose to a regular package further down the path.
            if package != Path():
                (folder / package / "__init__.py").touch()
