"""From settings to the options of the analyzer, for every verb that checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.cache import default_folder
from kimera_leakguard_native.analysis.options import Options

if TYPE_CHECKING:
    from kimera_leakguard_native.config import Settings


def options_of(settings: Settings) -> Options:
    """Give the options that the settings ask for."""
    folder = None
    if settings.cache:
        folder = Path(settings.cache_dir) if settings.cache_dir else default_folder()
    return Options(
        select=settings.select,
        tiers=settings.tier,
        jobs=settings.jobs,
        symbolic=settings.symbolic,
        cache=folder,
    )
