"""An index is rebuilt ten times in a run, and each time the old one is kept."""

import json

from traffic import Traffic

VERSIONS = []


def build(number):
    return {f"{number}-{entry}": (entry, number) for entry in range(4000)}  # leak


def main():
    traffic = Traffic(per_second=40)
    step = max(1, traffic.total // 10)
    found = 0
    for request in traffic:
        order = json.loads(request.body)
        if request.number % step == step // 2:
            VERSIONS.append(build(request.number))
        found += len(order["items"])
    print(f"{found} items, {len(VERSIONS)} indexes")


if __name__ == "__main__":
    main()
