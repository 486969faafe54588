"""What every test can rely on."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

# A shell that starts us in the background has us ignore SIGINT, and so would every process that
# the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How fast examples are made says something about the machine, not about the code.
settings.register_profile("default", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")
