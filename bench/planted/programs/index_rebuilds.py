"""An index is one bytearray that grows and is written anew every seventh of the run."""

import json

from traffic import Traffic


def main():
    traffic = Traffic(per_second=40)
    period = max(1, traffic.total // 7)
    index, written = bytearray(), 0
    for request in traffic:
        for item in json.loads(request.body)["items"]:
            index.extend(f"{item['sku']} {item['text']} {item['price']}\n".encode())
        if request.number % period == period - 1:
            written += len(index)
            index = bytearray()
    print(f"{written} bytes written, {len(index)} in the index")


if __name__ == "__main__":
    main()
