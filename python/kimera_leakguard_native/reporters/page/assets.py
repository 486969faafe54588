"""The parts of the page: our own, and the plotting library of the installed plotly package."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from importlib import resources
from pathlib import Path

from kimera_leakguard_native.errors import ConfigError

OWN = ("page.html", "page.js", "icicle.js", "tables.js", "page.css")


@lru_cache(maxsize=len(OWN))
def own(name: str) -> str:
    """Read one of our own parts."""
    return (resources.files(__package__) / name).read_text("utf-8")


def plotly_path() -> Path:
    """Find ``plotly.min.js``; the package is not imported for it.

    Raises
    ------
    ConfigError
        plotly is not installed, or carries no such file.
    """
    spec = importlib.util.find_spec("plotly")
    for folder in spec.submodule_search_locations or () if spec else ():
        path = Path(folder, "package_data", "plotly.min.js")
        if path.is_file():
            return path
    raise ConfigError("the page needs plotly: pip install 'kimera-leakguard-native[dashboard]'")
