"""Imports grow from one to the next; each is held for a while, until its successor is complete."""

import json

from traffic import Traffic


def main():
    traffic = Traffic(per_second=40)
    period = max(1, traffic.total // 10)
    current, arriving, shown = [], [], 0
    for request in traffic:
        order = json.loads(request.body)
        wanted = 4 + round(30 * request.progress)
        arriving.extend(f"{item['sku']}/{item['text'] * 4}" for item in order["items"][:wanted])
        shown += len(current)
        if request.number % period == period - 1:
            current, arriving = arriving, []
    print(f"{shown} rows shown, {len(current)} in the last import")


if __name__ == "__main__":
    main()
