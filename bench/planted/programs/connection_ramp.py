"""Connections are opened up to a limit; after half the run there are only replacements."""

import json

from traffic import Traffic


class Connection:
    def __init__(self, peer):
        self.peer = peer
        self.inbox = bytearray(4096)
        self.sent = {}

    def send(self, item):
        self.inbox[:8] = item["sku"].to_bytes(8, "little")
        self.sent[item["text"]] = item["sku"] % 100


def main():
    traffic = Traffic(per_second=40)
    limit = max(10, traffic.total // 4)
    pool = []
    for request in traffic:
        order = json.loads(request.body)
        if len(pool) < limit and request.number % 2 == 0:
            pool.append(Connection(request.user))
        elif len(pool) == limit and request.number % 20 == 0:
            pool[traffic.random.randrange(limit)] = Connection(request.user)
        for item in order["items"]:
            if pool:
                traffic.random.choice(pool).send(item)
    print(f"{len(pool)} connections")


if __name__ == "__main__":
    main()
