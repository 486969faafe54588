"""The agent of this process with what every process can say."""

from __future__ import annotations

import atexit
import os

from kimera_leakguard_native.runtime import sampler
from kimera_leakguard_native.runtime.agent.sections import (
    heap_section,
    own_name,
    process_section,
    sites_section,
)
from kimera_leakguard_native.runtime.agent.server import agent
from kimera_leakguard_native.runtime.site_watch import shared_site_watch


def start_own_agent() -> None:
    """Start it; idempotent."""
    own = agent()
    own.provide("process", lambda: process_section(os.getpid(), own_name()))
    own.provide("sites", lambda: sites_section(shared_site_watch()))
    own.provide("heap", lambda: heap_section(sampler.heap_profile), only_by_name=True)
    own.start()
    atexit.register(own.stop)
