"""Result pages are read from generators that are looked into once and kept."""

import json

from traffic import Traffic

CURSORS = []


def pages(items):
    rows = [(str(item["sku"]), item["text"] * 3) for item in items]  # leak
    del items
    for first in range(0, len(rows), 10):
        yield rows[first : first + 10]  # leak


def main():
    shown = 0
    for request in Traffic(per_second=30):
        cursor = pages(json.loads(request.body)["items"])  # leak
        shown += len(next(cursor))
        CURSORS.append(cursor)  # leak
    print(f"{shown} rows shown, {len(CURSORS)} cursors")


if __name__ == "__main__":
    main()
