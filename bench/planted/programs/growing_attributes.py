"""A long-lived object gets an attribute for every order."""

import json

from traffic import Traffic


class State:
    pass


def main():
    state = State()
    for request in Traffic(per_second=40):
        order = json.loads(request.body)  # leak
        total = sum(item["price"] for item in order["items"])  # leak
        setattr(state, f"total_{request.number}", total)  # leak
        setattr(state, f"texts_{request.number}", [i["text"] for i in order["items"]])  # leak
    print(f"{len(vars(state))} attributes")


if __name__ == "__main__":
    main()
