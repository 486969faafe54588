"""Names of this machine, as one listens on them and as requests ask for them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str:
    """Give the name in a ``Host`` header, without its port; ValueError where it has none."""
    return urlsplit(f"//{header}").hostname or ""
