"""A journal is one bytearray that only ever gets longer."""

import json

from traffic import Traffic

JOURNAL = bytearray()


def main():
    for request in Traffic(per_second=40):
        order = json.loads(request.body)
        for item in order["items"]:
            JOURNAL.extend(f"{item['sku']} {item['text']} {item['price']}\n".encode())  # leak
    print(f"journal of {len(JOURNAL)} bytes")


if __name__ == "__main__":
    main()
