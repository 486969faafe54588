"""A counter of search words: users type what they like."""

import collections
import json

from traffic import Traffic

SEARCHED = collections.Counter()


def main():
    for request in Traffic(per_second=40):
        order = json.loads(request.body)
        words = [f"{item['text']} {item['sku']}" for item in order["items"][:12]]  # leak
        SEARCHED.update(words)  # leak
    print(f"{len(SEARCHED)} words, {SEARCHED.most_common(1)}")


if __name__ == "__main__":
    main()
