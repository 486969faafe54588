"""Where the sockets of a user's processes are: a folder that nobody else can enter."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from kimera_leakguard_native.errors import RuntimeUnavailable

VARIABLE = "KLG_AGENT_DIR"


def socket_folder() -> Path:
    """Name the folder: `KLG_AGENT_DIR`, else one in the runtime directory, else one in /tmp."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime, "klg") if runtime else Path("/tmp", f"klg-{os.getuid()}")


def private_folder() -> Path:
    """Give the folder, made if need be.

    Raises
    ------
    RuntimeUnavailable
        It is not a folder of this user alone: somebody else's, a link, or open to others.
    """
    folder = socket_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise RuntimeUnavailable(f"cannot use {folder} for sockets: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RuntimeUnavailable(
            f"{folder} is not a folder of yours alone (mode 0700): remove it, or set {VARIABLE}"
        )
    return folder


def socket_path(pid: int) -> Path:
    """Name the socket of a process."""
    return socket_folder() / f"{pid}.sock"
