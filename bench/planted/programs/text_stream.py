"""Warnings are written into a StringIO that nobody reads."""

import io
import json

from traffic import Traffic

WARNINGS = io.StringIO()


def check(order, number):
    for item in order["items"]:
        if item["price"] < 0.8:
            line = f"order {number}: {item['text']} is cheap: {item['price']}"  # leak
            print(line, file=WARNINGS)  # leak


def main():
    for request in Traffic(per_second=40):
        check(json.loads(request.body), request.number)
    print(f"{WARNINGS.tell()} characters of warnings")


if __name__ == "__main__":
    main()
