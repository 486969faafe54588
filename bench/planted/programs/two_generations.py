"""A cache of two generations: when the young one is full, the old one is dropped at once."""

import json

from traffic import Traffic


def main():
    traffic = Traffic(per_second=40)
    young, old = {}, {}
    limit = max(200, traffic.total // 3)
    for request in traffic:
        for item in json.loads(request.body)["items"][:5]:
            young[item["sku"]] = f"{item['text']} {item['price']} {request.number}" * 2
        if len(young) >= limit * 4:
            young, old = {}, young
    print(f"{len(young)} young, {len(old)} old entries")


if __name__ == "__main__":
    main()
