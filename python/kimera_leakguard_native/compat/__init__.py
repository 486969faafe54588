"""The historic import paths, on request: `install_import_aliases`, or ``python -m …compat``."""

from kimera_leakguard_native.compat.aliases import (
    install_import_aliases,
    remove_import_aliases,
)

__all__ = ["install_import_aliases", "remove_import_aliases"]
