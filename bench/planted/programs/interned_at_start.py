"""A vocabulary grows through the first quarter of the run and is complete from then on."""

import json
import sys

from traffic import Traffic

VOCABULARY = {}


def main():
    traffic = Traffic(per_second=40)
    words = max(50, traffic.total * 5)
    seen = 0
    for request in traffic:
        order = json.loads(request.body)
        for item in order["items"][:40]:
            word = sys.intern(f"{item['text']}-{item['sku'] % (words // 14)}")
            VOCABULARY[word] = VOCABULARY.get(word, 0) + 1
            seen += 1
    print(f"{seen} words seen, {len(VOCABULARY)} known")


if __name__ == "__main__":
    main()
