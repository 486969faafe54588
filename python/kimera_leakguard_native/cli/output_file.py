"""Files that a command writes for its user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def write_output(target: Path, data: bytes, *, force: bool) -> None:
    """Write a file.

    Parameters
    ----------
    force : bool
        Whether an existing one is written over.

    Raises
    ------
    ConfigError
        It exists, or cannot be written.
    """
    try:
        with target.open("wb" if force else "xb") as file:
            file.write(data)
    except FileExistsError:
        raise ConfigError(f"{target} exists: -f writes over it, -o names another") from None
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {error.strerror}") from error
