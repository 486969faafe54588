"""From settings to the options of the analyzer, for every verb that checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.cache import default_folder
from kimera_leakguard_native.analysis.options import Options

if TYPE_CHECKING:
    from kimera_leakguard_native.config import Settings


def _checked(models: str) -> str:
    if models:
        from kimera_leakguard_native.analysis.resources.catalog import catalog

        # A mistake in the models is one of the configuration, not of each file.
        catalog(models)
    return models


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
        models=_checked(settings.resource_models),
    )
