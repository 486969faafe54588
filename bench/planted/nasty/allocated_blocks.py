"""Counts on sys.getallocatedblocks to come back to where it was."""

import gc
import sys


def work():
    kept = [[number, str(number) * 30] for number in range(50_000)]
    return len(kept)


work()
gc.collect()
before = sys.getallocatedblocks()
for _ in range(10):
    work()
gc.collect()
print(abs(sys.getallocatedblocks() - before) < 50)
