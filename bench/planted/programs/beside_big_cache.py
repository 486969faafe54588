"""A large cache turns over as it should, and beside it a small history grows."""

import collections
import json

from traffic import Traffic

CACHE = collections.OrderedDict()
CAPACITY = 1000
HISTORY = []


def page(key):
    if key in CACHE:
        CACHE.move_to_end(key)
        return CACHE[key]
    CACHE[key] = text = bytes(40_000)
    if len(CACHE) > CAPACITY:
        CACHE.popitem(last=False)
    return text


def main():
    served = 0
    traffic = Traffic(per_second=40)
    for key in range(CAPACITY):
        page(key)
    for request in traffic:
        order = json.loads(request.body)
        for _ in range(4):
            served += len(page(int(traffic.random.paretovariate(0.4)) % 100_000))
        HISTORY.append({"user": order["user"].upper(), "steps": ["view", "basket"]})  # leak
    print(f"{served} bytes served, {len(CACHE)} pages, {len(HISTORY)} visits")


if __name__ == "__main__":
    main()
