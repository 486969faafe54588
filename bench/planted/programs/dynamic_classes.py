"""A class is made for every message and put into a registry, as some schema libraries do."""

import json

from traffic import Traffic

SCHEMAS = {}


def schema(order, number):
    fields = {"items": len(order["items"]), "path": None, "user": None}
    made = SCHEMAS[f"order {number}"] = type(f"Order{number}", (), fields)  # leak
    return made


def main():
    made = 0
    for request in Traffic(per_second=30):
        made += schema(json.loads(request.body), request.number).items
    print(f"{made} schemas")


if __name__ == "__main__":
    main()
