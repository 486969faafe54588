"""The agent of this process with what every process can say."""

from __future__ import annotations

import atexit

from kimera_leakguard_native.runtime.agent.sections import (
    heap_section,
    process_section,
    sites_section,
)
from kimera_leakguard_native.runtime.agent.server import agent
from kimera_leakguard_native.runtime.site_watch import shared_site_watch


def start_own_agent() -> None:
    """Start it; idempotent."""
    own = agent()
    own.provide("process", process_section)
    own.provide("sites", lambda: sites_section(shared_site_watch()))
    own.provide("heap", heap_section, only_by_name=True)
    own.start()
    atexit.register(own.stop)
