"""Blocks of all sizes come and go; what lives is bounded, but the C heap does not shrink."""

import json

from traffic import Traffic


def main():
    traffic = Traffic(per_second=40)
    blocks, live, allocated = [], 0, 0
    for request in traffic:
        allocated += len(json.loads(request.body)["items"])
        # A wave of blocks comes and all but a few scattered ones go at once.
        wave = [bytes(traffic.random.randrange(600, 6000)) for _ in range(200)]
        blocks.extend(traffic.random.sample(wave, 10))
        if len(blocks) > 2000:
            del blocks[: traffic.random.randrange(200, 1000)]
        live = sum(map(len, blocks))
    print(f"{allocated} items, {live} bytes in {len(blocks)} blocks")


if __name__ == "__main__":
    main()
