"""Worker threads gather what they have seen in a thread-local list and never look at it."""

import concurrent.futures
import json
import threading

from traffic import Traffic

LOCAL = threading.local()


def work(body, number):
    order = json.loads(body)
    if not hasattr(LOCAL, "seen"):
        LOCAL.seen = []
    for item in order["items"][:8]:
        LOCAL.seen.append(f"{number}:{item['sku']}:{item['text']}")  # leak
    return sum(item["price"] for item in order["items"])


def main():
    total = 0.0
    with concurrent.futures.ThreadPoolExecutor(3) as executor:
        for request in Traffic(per_second=40):
            total += executor.submit(work, request.body, request.number).result()
    print(f"total {total:.2f}")


if __name__ == "__main__":
    main()
