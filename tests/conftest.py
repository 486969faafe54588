"""What every test can rely on."""

from __future__ import annotations

import signal

# A shell that starts us in the background has us ignore SIGINT, and so would every process that
# the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
