"""Load rises and falls three times in a run; every unit of it leaves something behind."""

import json
import math

from traffic import Traffic

HISTORY = []


def main():
    served = 0
    for request in Traffic(per_second=40):
        load = round(6 + 6 * math.sin(6 * math.pi * request.progress))
        for visit in range(load):
            order = json.loads(request.body)
            served += len(order["items"])
            HISTORY.append([f"{visit} of {load}" * 8, f"request {request.number}"])  # leak
    print(f"{served} items, {len(HISTORY)} visits")


if __name__ == "__main__":
    main()
