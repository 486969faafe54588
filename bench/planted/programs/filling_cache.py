"""A bounded cache whose bound is not reached before the run ends."""

import collections
import json

from traffic import Traffic

CACHE = collections.OrderedDict()
CAPACITY = 1_000_000


def thumbnail(sku):
    if sku not in CACHE:
        CACHE[sku] = bytes(300)
        if len(CACHE) > CAPACITY:
            CACHE.popitem(last=False)
    return CACHE[sku]


def main():
    shown = 0
    traffic = Traffic(per_second=40)
    for request in traffic:
        json.loads(request.body)
        # Popular pictures first: the cache fills ever more slowly, as caches do.
        for _ in range(30):
            shown += len(thumbnail(min(20_000, int(traffic.random.expovariate(1 / 2500)))))
    print(f"{shown} bytes shown, {len(CACHE)} of {CAPACITY} pictures cached")


if __name__ == "__main__":
    main()
