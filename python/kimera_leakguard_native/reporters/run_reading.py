"""Reading a report of `klg run --report` back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.model.site import RunReport

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> RunReport:
    """Read a report.

    Raises
    ------
    ConfigError
        The file cannot be read, or is no report; the message says where it goes wrong.
    """
    import msgspec

    try:
        return msgspec.json.decode(path.read_bytes(), type=RunReport)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} is no report of klg run --report: {error}") from error
