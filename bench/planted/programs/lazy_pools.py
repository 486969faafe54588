"""Tables and pools are built when they are first needed, all within the first third of the run."""

import json

from traffic import Traffic

TABLES = {}


def table(kind):
    if kind not in TABLES:
        TABLES[kind] = {f"{kind}-{entry}": entry / 7 for entry in range(1500)}
    return TABLES[kind]


def main():
    looked_up = 0.0
    for request in Traffic(per_second=40):
        order = json.loads(request.body)
        kinds = min(30, 1 + int(90 * request.progress))
        for number, _item in enumerate(order["items"][:20]):
            kind = (number * 7 + request.number) % kinds
            looked_up += table(kind)[f"{kind}-{number}"]
    print(f"{looked_up:.1f} from {len(TABLES)} tables")


if __name__ == "__main__":
    main()
