"""The latest events are kept in a deque whose maxlen was forgotten."""

import collections
import json

from traffic import Traffic

EVENTS = collections.deque()


def main():
    shown = 0.0
    for request in Traffic(per_second=50):
        for item in json.loads(request.body)["items"][:8]:
            EVENTS.append(f"{request.number} {item['sku']} {item['price']}")  # leak
        shown += sum(float(EVENTS[-back].split()[2]) for back in range(1, 9))
    print(f"{len(EVENTS)} events, shown {shown:.2f}")


if __name__ == "__main__":
    main()
