"""Starts and stops tracemalloc, and believes what it says."""

import tracemalloc

for turn in range(3):
    tracemalloc.start(5)
    kept = [bytes(1000) for _ in range(3000)]
    size, peak = tracemalloc.get_traced_memory()
    lines = tracemalloc.take_snapshot().statistics("lineno")
    tracemalloc.stop()
    print(turn, 3_000_000 < size < 3_400_000, peak >= size, lines[0].count in range(2990, 3010))
    del kept
