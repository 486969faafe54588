"""Ignores SIGTERM and ends when its work is done."""

import signal
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(1.5)
print("work done")
