"""An LRU cache that is full after a tenth of the run and turns over from then on."""

import collections
import json

from traffic import Traffic


class Cache:
    def __init__(self, capacity):
        self.capacity = capacity
        self.entries = collections.OrderedDict()
        self.hits = 0

    def get(self, key, make):
        if key in self.entries:
            self.hits += 1
            self.entries.move_to_end(key)
            return self.entries[key]
        value = self.entries[key] = make(key)
        if len(self.entries) > self.capacity:
            self.entries.popitem(last=False)
        return value


def render(key):
    return [f"{key}:{line}" for line in range(20)]


def main():
    traffic = Traffic(per_second=40)
    cache = Cache(capacity=max(10, traffic.total))
    for request in traffic:
        for item in json.loads(request.body)["items"][:15]:
            cache.get(item["sku"] % (40 * traffic.total), render)
    print(f"{cache.hits} hits, {len(cache.entries)} entries")


if __name__ == "__main__":
    main()
