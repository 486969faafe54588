"""Failures are kept for a report, and with them the frames that they passed through."""

import json

from traffic import Traffic

FAILURES = []


def parse(items):
    rows = [f"{item['sku']}-{item['text']}" for item in items]  # leak
    if int(rows[0].split("-")[0]) % 3:
        raise ValueError(f"order of {len(rows)} rows has no customer")  # leak
    return rows


def main():
    parsed = 0
    for request in Traffic(per_second=40):
        try:
            parsed += len(parse(json.loads(request.body)["items"]))  # leak
        except ValueError as error:
            FAILURES.append(error)  # leak
    print(f"{parsed} rows, {len(FAILURES)} failures")


if __name__ == "__main__":
    main()
