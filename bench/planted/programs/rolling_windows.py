"""Statistics are kept for the last twelve windows of time; a new window drives the oldest out."""

import collections
import json

from traffic import Traffic


def main():
    traffic = Traffic(per_second=40)
    length = max(1, traffic.total // 60)
    windows = collections.deque(maxlen=12)
    counted = 0
    for request in traffic:
        if request.number % length == 0:
            windows.append(collections.defaultdict(list))
        for item in json.loads(request.body)["items"]:
            windows[-1][item["text"]].append(item["price"])
            counted += 1
    print(f"{counted} prices, {sum(map(len, windows))} rows in {len(windows)} windows")


if __name__ == "__main__":
    main()
