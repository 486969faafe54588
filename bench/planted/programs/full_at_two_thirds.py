"""A bounded cache of keys that never repeat: full at two thirds of the run, turning over then."""

import collections
import json

from traffic import Traffic


def main():
    traffic = Traffic(per_second=40)
    pages = collections.OrderedDict()
    capacity = round(traffic.total * 10 * 0.66)
    for request in traffic:
        for item in json.loads(request.body)["items"][:10]:
            pages[f"{request.number}-{item['sku']}"] = item["text"] * 10
            if len(pages) > capacity:
                pages.popitem(last=False)
    print(f"{len(pages)} of {capacity} pages")


if __name__ == "__main__":
    main()
