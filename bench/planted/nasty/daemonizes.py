"""Forks twice and lets the grandchild go on after the parent has gone."""

import os
import sys
import time

reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        kept = [bytes(1000) for _ in range(5000)]
        time.sleep(0.5)
        os.write(writing, b"grandchild %d" % len(kept))
        sys.exit(0)
    os._exit(0)
os.wait()
os.close(writing)
print(os.read(reading, 100).decode())
