"""Reading back what `klg run` has written: a report, or a capture of how the run stood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.model.site import RunReport
from kimera_leakguard_native.reporters import run_capture

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> RunReport:
    """Read a report, or the last whole record of a capture.

    Raises
    ------
    ConfigError
        The file cannot be read, or is neither; the message says where it goes wrong.
    """
    import msgspec

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    if data and run_capture.is_capture(data):
        body = run_capture.last_whole(data)
        if body is None:
            raise ConfigError(f"{path}: no record of this capture is whole")
        try:
            data = run_capture.unpacked(body)
        except ValueError as error:
            raise ConfigError(f"{path}: its last record cannot be unpacked: {error}") from error
    try:
        return msgspec.json.decode(data, type=RunReport)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} is no report and no capture of klg run: {error}") from error
