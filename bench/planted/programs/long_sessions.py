"""Sessions last a tenth of the run on average, some much longer; all of them end."""

import heapq
import json

from traffic import Traffic


def main():
    traffic = Traffic(per_second=40)
    sessions, ends = {}, []
    for request in traffic:
        order = json.loads(request.body)
        sessions[request.number] = {"user": request.user, "items": order["items"][:8]}
        end = request.number + traffic.random.expovariate(10 / traffic.total)
        heapq.heappush(ends, (end, request.number))
        while ends[0][0] <= request.number:
            del sessions[heapq.heappop(ends)[1]]
    print(f"{len(sessions)} sessions open")


if __name__ == "__main__":
    main()
