"""A histogram has the request id among its labels: one series for every request."""

import json

from traffic import Traffic

SERIES = {}


def observe(path, trace, seconds):
    labels = (path, trace)
    buckets = SERIES.get(labels)
    if buckets is None:
        buckets = SERIES[labels] = [0.0] * 40  # leak
    for position in range(len(buckets)):
        if seconds <= position / 40:
            buckets[position] += seconds


def main():
    for request in Traffic(per_second=40):
        order = json.loads(request.body)
        for item in order["items"][:5]:
            trace = f"{request.number:x}-{item['sku']:x}"  # leak
            observe(request.path, trace, item["price"])  # leak
    print(f"{len(SERIES)} series")


if __name__ == "__main__":
    main()
