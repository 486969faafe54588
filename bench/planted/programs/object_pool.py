"""Buffers are taken from a pool and given back; the pool is as large as the worst moment was."""

import json

from traffic import Traffic


class Pool:
    def __init__(self):
        self.free = []
        self.made = 0

    def take(self):
        if self.free:
            return self.free.pop()
        self.made += 1
        return bytearray(16_384)

    def give(self, buffer):
        self.free.append(buffer)


def main():
    traffic = Traffic(per_second=40)
    pool, busy = Pool(), []
    for request in traffic:
        body = json.dumps(json.loads(request.body)["items"]).encode()[:16_384]
        for _ in range(traffic.random.randrange(20)):
            buffer = pool.take()
            buffer[: len(body)] = body
            busy.append(buffer)
        while len(busy) > 60:
            pool.give(busy.pop(traffic.random.randrange(len(busy))))
    print(f"{pool.made} buffers made, {len(busy)} busy")


if __name__ == "__main__":
    main()
