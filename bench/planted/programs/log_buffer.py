"""Log records wait in a MemoryHandler for an error that never comes."""

import json
import logging
import logging.handlers

from traffic import Traffic


def main():
    target = logging.NullHandler()
    buffer = logging.handlers.MemoryHandler(10**9, logging.CRITICAL, target, flushOnClose=False)
    log = logging.getLogger("shop")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(buffer)
    for request in Traffic(per_second=40):
        order = json.loads(request.body)
        for item in order["items"][:6]:
            log.info("order %d has %s", request.number, f"{item['text']}-{item['sku']}")  # leak
    print(f"{len(buffer.buffer)} records held back")


if __name__ == "__main__":
    main()
