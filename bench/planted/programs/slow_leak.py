"""About 1 kB a second stays behind in a service that does little else."""

import json

from traffic import Traffic

NOTES = []


def main():
    for request in Traffic(per_second=20):
        order = json.loads(request.body)
        if request.number % 4 == 0:
            NOTES.append(bytes(167))  # leak
        order.clear()
    print(f"{len(NOTES)} notes")


if __name__ == "__main__":
    main()
