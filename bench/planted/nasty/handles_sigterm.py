"""Has its own handler of SIGTERM, with clean-up that takes a while."""

import signal
import sys
import time


def leave(number, frame):
    print("leaving", signal.Signals(number).name, frame is not None)
    time.sleep(0.3)
    sys.exit(5)


signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
while True:
    time.sleep(0.01)
