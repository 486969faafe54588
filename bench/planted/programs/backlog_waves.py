"""Orders come in waves, the workers are steady: a backlog rises and is worked off again."""

import json
import math

from traffic import Traffic


def main():
    traffic = Traffic(per_second=40)
    backlog, done = [], 0
    for request in traffic:
        wave = 8 + 8 * math.sin(2 * math.pi * 5.5 * request.progress)
        backlog += json.loads(request.body)["items"][: round(wave)]
        for _ in range(min(len(backlog), 9)):
            backlog.pop(0)
            done += 1
    print(f"{done} done, {len(backlog)} waiting")


if __name__ == "__main__":
    main()
