"""Patterns made of users' input are compiled; the regular expression module keeps the last ones."""

import json
import re

from traffic import Traffic


def main():
    found = 0
    for request in Traffic(per_second=25, items=20):
        order = json.loads(request.body)
        for item in order["items"][:3]:
            found += len(re.findall(f"{item['text'][:3]}.{{{item['sku'] % 97}}}", request.body))
    print(f"{found} found")


if __name__ == "__main__":
    main()
