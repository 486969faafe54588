"""A memo decorator keys on the visit: every call adds a result and none is reused."""

import functools
import json

from traffic import Traffic


def memo(function):
    results = {}

    @functools.wraps(function)
    def wrapper(*arguments):
        if arguments not in results:
            results[arguments] = function(*arguments)  # leak
        return results[arguments]

    return wrapper


@memo
def instalments(visit, items):
    return [(month, visit / (1 + month)) for month in range(items)]  # leak


def main():
    total = 0.0
    for request in Traffic(per_second=20):
        visit = f"{request.number}.5"
        total += instalments(float(visit), len(json.loads(request.body)["items"]))[0][1]  # leak
    print(f"{total:.2f}")


if __name__ == "__main__":
    main()
