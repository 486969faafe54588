"""Every job registers its own clean-up with atexit."""

import atexit
import json

from traffic import Traffic


class Job:
    def __init__(self, order):
        self.items = [(item["sku"], item["price"]) for item in order["items"]]  # leak
        atexit.register(self.close)  # leak

    def close(self):
        self.items.clear()


def main():
    jobs = 0
    for request in Traffic(per_second=30):
        Job(json.loads(request.body))  # leak
        jobs += 1
    print(f"{jobs} jobs")


if __name__ == "__main__":
    main()
