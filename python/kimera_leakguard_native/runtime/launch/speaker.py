"""Answers questions about a program under `klg run`, which knows nothing of us."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

from kimera_leakguard_native.errors import LeakGuardError
from kimera_leakguard_native.runtime.agent.sections import (
    heap_section,
    process_section,
    sites_section,
)
from kimera_leakguard_native.runtime.agent.server import Agent
from kimera_leakguard_native.runtime.site_watch import SiteWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from kimera_leakguard_native.runtime.observation import Observation

    Answer = TypeVar("Answer")

_LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def speaker(pid: int, name: str, observation: Observation) -> Iterator[threading.Lock]:
    """Answer for a process; gives the lock that guards its observation meanwhile.

    Where there is no folder for its socket the run goes on without.
    """
    lock = threading.Lock()

    def locked(ask: Callable[[], Answer]) -> Callable[[], Answer]:
        def asked() -> Answer:
            with lock:
                return ask()

        return asked

    watch = SiteWatch(snapshot=locked(observation.snapshot), verdicts=locked(observation.verdicts))
    profile = locked(observation.profile)
    agent = Agent(pid)
    agent.provide("process", lambda: process_section(pid, name))
    agent.provide("sites", lambda: sites_section(watch))
    agent.provide("heap", lambda: heap_section(profile), only_by_name=True)
    try:
        agent.start()
    except (LeakGuardError, OSError) as error:
        _LOG.debug("nobody can ask about this run: %s", error)
    try:
        yield lock
    finally:
        agent.stop()
