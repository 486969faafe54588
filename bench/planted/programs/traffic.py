"""Requests at a steady pace: what every planted program serves.

Their number is `--seconds` times the pace and their content depends on `--seed` only, so that two
runs allocate the same; a machine that falls behind takes longer and serves no fewer.
"""

import argparse
import asyncio
import json
import random
import time

PATHS = ("/", "/basket", "/order", "/search", "/help", "/login", "/account", "/stock")
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "haven", "inlet", "jetty")


class Request:
    """One request; `progress` runs from 0 at the first to 1 at the last of a run."""

    __slots__ = ("body", "number", "path", "progress", "user")

    def __init__(self, number, progress, choose, items):
        self.number = number
        self.progress = progress
        self.user = f"user{choose.randrange(500)}"
        self.path = choose.choice(PATHS)
        self.body = json.dumps(
            {
                "user": self.user,
                "path": self.path,
                "items": [
                    {"sku": choose.randrange(10**6), "price": choose.random(), "text": text}
                    for text in choose.choices(WORDS, k=items)
                ],
            }
        )


class Traffic:
    """The requests of one run, to be used in `for` or in `async for`."""

    def __init__(self, per_second, items=60):
        parser = argparse.ArgumentParser()
        parser.add_argument("--seconds", type=float, default=60.0, help="length of the run")
        parser.add_argument("--seed", type=int, default=0, help="seed of everything random")
        options = parser.parse_args()
        self.seconds = options.seconds
        self.random = random.Random(options.seed)
        self.per_second = per_second
        self.items = items
        self.total = max(1, round(options.seconds * per_second))

    def request(self, number):
        return Request(number, number / self.total, self.random, self.items)

    def delay(self, started, number):
        return max(0.0, started + number / self.per_second - time.monotonic())

    def __iter__(self):
        started = time.monotonic()
        for number in range(self.total):
            time.sleep(self.delay(started, number))
            yield self.request(number)

    async def __aiter__(self):
        started = time.monotonic()
        for number in range(self.total):
            await asyncio.sleep(self.delay(started, number))
            yield self.request(number)
