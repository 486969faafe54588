"""Entries of a cache expire one eighth of the run after they were made."""

import json
import time

from traffic import Traffic


class ExpiringCache:
    def __init__(self, seconds):
        self.seconds = seconds
        self.entries = {}

    def put(self, key, value):
        self.entries[key] = (time.monotonic() + self.seconds, value)

    def expire(self):
        now = time.monotonic()
        for key in [key for key, (until, _) in self.entries.items() if until < now]:
            del self.entries[key]


def main():
    traffic = Traffic(per_second=40)
    cache = ExpiringCache(traffic.seconds / 8)
    stored = 0
    for request in traffic:
        for item in json.loads(request.body)["items"][:15]:
            cache.put(f"{request.number}/{item['sku']}", {"text": item["text"] * 10, "hits": []})
            stored += 1
        if request.number % 10 == 0:
            cache.expire()
    print(f"{stored} entries stored, {len(cache.entries)} alive")


if __name__ == "__main__":
    main()
