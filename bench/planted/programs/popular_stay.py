"""A cache keeps what is asked for often: a few entries stay for ever, most are soon replaced."""

import json

from traffic import Traffic


class FrequencyCache:
    def __init__(self, size):
        self.size = size
        self.values = {}
        self.uses = {}

    def get(self, key):
        self.uses[key] = self.uses.get(key, 0) + 1
        if key not in self.values:
            if len(self.values) >= self.size:
                self.drop()
            self.values[key] = f"page {key} " * 40
        return self.values[key]

    def drop(self):
        for key in sorted(self.values, key=self.uses.__getitem__)[: self.size // 4]:
            del self.values[key], self.uses[key]


def main():
    traffic = Traffic(per_second=40)
    cache = FrequencyCache(400)
    shown = 0
    for request in traffic:
        json.loads(request.body)
        for _ in range(10):
            shown += len(cache.get(int(traffic.random.paretovariate(0.6)) % 50_000))
    print(f"{shown} characters shown, {len(cache.values)} pages")


if __name__ == "__main__":
    main()
