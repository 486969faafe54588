"""Recurses to the limit, and far beyond it in a thread with a large stack."""

import sys
import threading


def depth(level=0):
    kept = [level] * 60
    try:
        return depth(level + 1)
    except RecursionError:
        return level + len(kept) % 1


def count(level):
    return [level] if level == 0 else [*count(level - 1)[-1:], level]


print(depth())
sys.setrecursionlimit(60_000)
threading.stack_size(512 << 20)
thread = threading.Thread(target=lambda: print(count(30_000)))
thread.start()
thread.join()
