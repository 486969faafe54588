"""Dies of the signal that its argument names."""

import os
import signal
import sys

kept = [bytes(1000) for _ in range(20_000)]
print(len(kept), flush=True)
os.kill(os.getpid(), getattr(signal, sys.argv[1]))
signal.pause()
