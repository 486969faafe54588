"""Grows and shrinks blocks across the limit of the small-object allocator, in every domain."""

import random

choose = random.Random(5)
blocks = [bytearray() for _ in range(300)]
lists = [[] for _ in range(300)]
check = 0
for _ in range(60_000):
    block = choose.choice(blocks)
    size = choose.choice(
        (0, 10, 200, 500, 512, 513, 520, 600, 5000, 300_000 if choose.random() < 0.01 else 50)
    )
    old = bytes(block[:size])
    del block[size:]
    block.extend(bytes(max(0, size - len(block))))
    check += block[: len(old)] == old
    rows = choose.choice(lists)
    if len(rows) > 500:
        rows.clear()
    rows.extend(range(choose.randrange(80)))
print(check, sum(map(len, blocks)), sum(map(len, lists)))
