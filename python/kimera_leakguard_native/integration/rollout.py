"""Turning leak detection on step by step: a flag, and a stable share of the processes.

`KIMERA_ENABLE_LEAK_DETECTION` turns it on for ``true`` only, in any case. Beside it,
`KIMERA_LEAK_DETECTION_SHARE` in [0, 1] picks who takes part (1, everybody, by default), and
`KIMERA_INSTANCE_ID` says who this is (the host's name by default). The same name is always picked
for the same share, and whoever takes part at one share does so at every larger one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
from typing import TYPE_CHECKING

from kimera_leakguard_native import config
from kimera_leakguard_native.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimera_leakguard_native.integration.integrator import KimeraLeakDetectionIntegrator

FLAG = "KIMERA_ENABLE_LEAK_DETECTION"
SHARE = "KIMERA_LEAK_DETECTION_SHARE"
INSTANCE = "KIMERA_INSTANCE_ID"

_LOG = logging.getLogger(__name__)


def position(instance: str) -> float:
    """Give the place of a name in [0, 1): it takes part where its place is below the share."""
    digest = hashlib.blake2b(instance.encode(), digest_size=8, person=b"klg-rollout").digest()
    return int.from_bytes(digest, "big") / 2**64


def is_enabled(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this process takes part; `KLG_DISABLE` goes before everything.

    Parameters
    ----------
    environment : mapping, optional
        `os.environ` by default.

    Raises
    ------
    ConfigError
        The share is no number in [0, 1].
    """
    known = os.environ if environment is None else environment
    if config.disabled() or known.get(FLAG, "false").lower() != "true":
        return False
    text = known.get(SHARE, "1")
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise ConfigError(f"{SHARE}: expected a share in [0, 1], such as 0.05, got {text!r}")
    return position(known.get(INSTANCE) or socket.gethostname()) < share


async def enable_leak_detection() -> KimeraLeakDetectionIntegrator | None:
    """Start leak detection if this process takes part; else nothing is started, None."""
    if not is_enabled():
        _LOG.info("leak detection is off (%s, %s)", FLAG, SHARE)
        return None
    from kimera_leakguard_native.integration.shared import initialize_kimera_leak_detection

    integrator = await initialize_kimera_leak_detection()
    _LOG.info("leak detection is on")
    return integrator
