"""Sessions come and go; how many there are follows three days of load."""

import json
import math

from traffic import Traffic

SESSIONS = {}


def main():
    traffic = Traffic(per_second=40)
    opened = 0
    for request in traffic:
        order = json.loads(request.body)
        wanted = 300 - 250 * math.cos(6 * math.pi * request.progress)
        for _ in range(12):
            opened += 1
            SESSIONS[opened] = {"items": order["items"][:3], "page": bytes(1500)}
        while len(SESSIONS) > wanted:
            del SESSIONS[traffic.random.choice(tuple(SESSIONS))]
    print(f"{opened} sessions opened, {len(SESSIONS)} alive")


if __name__ == "__main__":
    main()
