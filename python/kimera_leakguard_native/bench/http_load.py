"""A client that sends orders to the service of `sampler_workloads` and adds up the answers.

    python http_load.py PORT CONNECTIONS

For each number on its standard input it sends so many orders, one after the other on each
connection, and prints the sum of the totals that came back.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading


def order(number: int) -> dict[str, object]:
    """Give an order; its total is known without the service: see `total`."""
    items = [
        {"sku": f"sku-{number}-{line}", "count": line + 1, "cents": 100 + number % 50}
        for line in range(8)
    ]
    return {
        "id": number,
        "customer": {"name": f"customer {number}", "zone": number % 7},
        "items": items,
    }


def total(number: int) -> int:
    """Give what an order costs, in cents: 36 pieces of one price."""
    return 36 * (100 + number % 50)


def main(port: str, connections: str) -> None:
    """Serve until the input ends."""
    lines = [http.client.HTTPConnection("127.0.0.1", int(port)) for _ in range(int(connections))]
    for command in sys.stdin:
        sums = [0] * len(lines)
        share = int(command) // len(lines)

        def send(number: int, share: int = share, sums: list[int] = sums) -> None:
            for k in range(number * share, (number + 1) * share):
                body = json.dumps(order(k))
                lines[number].request("POST", "/orders", body, {"content-type": "application/json"})
                sums[number] += json.loads(lines[number].getresponse().read())["total"]

        threads = [threading.Thread(target=send, args=(n,)) for n in range(len(lines))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sys.stdout.write(f"{sum(sums)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
