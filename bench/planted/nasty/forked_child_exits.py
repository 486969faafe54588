"""A forked child runs on as a program of its own: exit handlers, output and code are its own."""

import atexit
import os
import sys

atexit.register(lambda: print("exit handler of", role, flush=True))
role = "parent"
child = os.fork()
if child == 0:
    role = "child"
    kept = [bytes(1000) for _ in range(20_000)]
    sys.exit(len(kept) % 17)
print("child left with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
