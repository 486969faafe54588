"""A cache evicts by a key that it never stores under, so that nothing leaves it."""

import json

from traffic import Traffic


class Cache:
    def __init__(self, size):
        self.size = size
        self.entries = {}
        self.order = []

    def put(self, key, value):
        self.entries[key.lower()] = value  # leak
        self.order.append(key)
        if len(self.order) > self.size:
            self.entries.pop(self.order.pop(0), None)


def main():
    cache = Cache(200)
    for request in Traffic(per_second=40):
        for item in json.loads(request.body)["items"][:8]:
            page = f"<b>{item['text']}</b>" * 5  # leak
            cache.put(f"SKU-{item['sku']}-{request.number}", page)  # leak
    print(f"{len(cache.entries)} pages, {len(cache.order)} in order")


if __name__ == "__main__":
    main()
