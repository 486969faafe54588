"""functools.lru_cache with a bound; popular keys stay for ever, the others come and go."""

import functools
import json

from traffic import Traffic


@functools.lru_cache(maxsize=600)
def discount(rank):
    return {"rank": rank, "steps": [round(100 / (1 + rank + step), 3) for step in range(30)]}


def main():
    traffic = Traffic(per_second=40)
    total = 0.0
    for request in traffic:
        items = json.loads(request.body)["items"]
        for _ in items[:12]:
            total += discount(int(traffic.random.paretovariate(0.5)))["steps"][0]
    print(f"{total:.1f} {discount.cache_info()}")


if __name__ == "__main__":
    main()
