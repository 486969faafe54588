"""The latest events in a deque with a maxlen."""

import collections
import json

from traffic import Traffic

EVENTS = collections.deque(maxlen=4000)


def main():
    shown = 0.0
    for request in Traffic(per_second=40):
        for item in json.loads(request.body)["items"][:20]:
            EVENTS.append({"number": request.number, "item": item, "note": item["text"] * 5})
        shown += sum(event["item"]["price"] for event in list(EVENTS)[-20:])
    print(f"{shown:.1f} shown, {len(EVENTS)} events")


if __name__ == "__main__":
    main()
