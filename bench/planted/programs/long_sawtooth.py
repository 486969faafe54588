"""Records are merged into the store twice in a run: a sawtooth longer than most windows."""

import json

from traffic import Traffic

RECENT = {}


def main():
    traffic = Traffic(per_second=40)
    period = max(1, round(traffic.total * 0.45))
    merged = 0
    for request in traffic:
        for item in json.loads(request.body)["items"][:10]:
            RECENT[f"{request.number}/{item['sku']}"] = item["text"] * 30
        if request.number % period == period - 1:
            merged += len(RECENT)
            RECENT.clear()
    print(f"{merged} records merged, {len(RECENT)} recent")


if __name__ == "__main__":
    main()
