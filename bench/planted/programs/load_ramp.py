"""Sessions live for a fixed time; the load, and with it the live memory, rises all the time."""

import collections
import json

from traffic import Traffic


def main():
    traffic = Traffic(per_second=40)
    lifetime = max(5, traffic.total // 15)
    sessions = collections.deque()
    served = 0
    for request in traffic:
        served += len(json.loads(request.body)["items"])
        for visit in range(2 + round(20 * request.progress)):
            sessions.append((request.number + lifetime, f"visit {visit} " * 100))
        while sessions and sessions[0][0] <= request.number:
            sessions.popleft()
    print(f"{served} items, {len(sessions)} sessions")


if __name__ == "__main__":
    main()
