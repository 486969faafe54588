"""Runs into its address-space limit, twice: once caught, once not."""

import resource

print("start", flush=True)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: SIM115
resource.setrlimit(resource.RLIMIT_AS, (used + (300 << 20), resource.RLIM_INFINITY))
kept = []
try:
    while True:
        kept.append([bytes(4000) for _ in range(500)])
except MemoryError:
    reached = len(kept) > 50
    kept.clear()
    print("caught", reached, flush=True)
try:
    bytes(1 << 34)
except MemoryError:
    print("caught a large one", flush=True)
kept = bytes(1 << 40)
