"""Ten megabytes a second, until something gives."""

import json

from traffic import Traffic

ARCHIVE = []


def main():
    for request in Traffic(per_second=40):
        order = json.loads(request.body)
        ARCHIVE.append([bytes(2500) for _ in range(100)])  # leak
        order.clear()
    print(f"{len(ARCHIVE)} archives")


if __name__ == "__main__":
    main()
