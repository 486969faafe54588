"""A method is cached without bound, and its argument is different in every call."""

import functools
import json

from traffic import Traffic


class Catalogue:
    @functools.lru_cache(maxsize=None)  # noqa: B019, UP033 - the leak of this program
    def quote(self, visit, items):
        return [round(1.19 * price * visit, 2) for price in range(items)]  # leak


def main():
    catalogue = Catalogue()
    total = 0.0
    for request in Traffic(per_second=40):
        order = json.loads(request.body)
        total += catalogue.quote(request.number, len(order["items"]))[-1]  # leak
    print(f"quoted {total:.2f}")


if __name__ == "__main__":
    main()
