"""Waits for Ctrl-C and takes it as most programs do: not at all."""

import time

print("ready", flush=True)
kept = []
while True:
    kept.append(bytes(10_000))
    time.sleep(0.01)
