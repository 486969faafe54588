"""Waits for Ctrl-C, tidies up and leaves with its own code."""

import sys
import time

print("ready", flush=True)
try:
    while True:
        time.sleep(0.01)
except KeyboardInterrupt:
    print("tidying up")
    time.sleep(0.3)
    print("done")
    sys.exit(4)
