"""A full cache makes room by dropping an entry at random."""

import json

from traffic import Traffic


def main():
    traffic = Traffic(per_second=40)
    cache, keys = {}, []
    capacity = max(100, traffic.total)
    for request in traffic:
        for item in json.loads(request.body)["items"][:12]:
            key = f"{request.number}/{item['sku']}"
            if len(keys) >= capacity:
                place = traffic.random.randrange(len(keys))
                keys[place], keys[-1] = keys[-1], keys[place]
                del cache[keys.pop()]
            cache[key] = item["text"] * 20 + key
            keys.append(key)
    print(f"{len(cache)} of {capacity} entries")


if __name__ == "__main__":
    main()
