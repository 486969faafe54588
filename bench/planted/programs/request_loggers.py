"""Every request gets a logger of its own name; the logging module keeps them all."""

import json
import logging

from traffic import Traffic


def handle(request):
    log = logging.getLogger(f"shop.request.{request.number}")  # leak
    order = json.loads(request.body)
    log.debug("%d items", len(order["items"]))  # leak
    return len(order["items"])


def main():
    print(f"{sum(handle(request) for request in Traffic(per_second=40))} items")


if __name__ == "__main__":
    main()
