"""Print how long a leak of a given rate takes, from its first byte to a verdict, under churn.

    python bench/time_to_verdict.py [--rates 1000,10000,...] [--limit 180] [--sample-bytes 4096]

Each rate is a process of its own that allocates some megabytes a second which it frees again, leaks
from its first second on, and asks `klg.verdicts()` once a second until the leaking line is called a
leak. It also prints how much had been lost by then and whether another line was called a leak.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

RATES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
TICKS = 40  # a second
KEPT: list[bytes] = []


def churn() -> int:
    return len(json.loads(json.dumps([{"number": k, "text": "x" * 60} for k in range(200)])))


def leak(size: int) -> None:
    while size > 0:
        KEPT.append(bytes(min(size, 1000)))  # the leak
        size -= 1000


def watched(rate: int, limit: float, sample_bytes: int) -> None:
    """Leak until it is seen, and write the outcome as JSON."""
    import kimera_leakguard_native as klg

    line = leak.__code__.co_firstlineno + 2
    klg.start(sample_bytes=sample_bytes, budget=0)
    started = time.monotonic()
    asked, lost, tick = 1.0, 0.0, 0
    outcome = {"rate": rate, "seconds": None, "lost": 0, "confidence": None, "others": []}
    while (now := time.monotonic() - started) < limit:
        churn()
        tick += 1
        due = rate * now - lost
        if due >= 1000:
            leak(int(due))
            lost += int(due)
        if now >= asked:
            asked = now + 1.0
            leaks = [one for one in klg.verdicts() if one.verdict == "leak"]
            right = [one for one in leaks if one.line == line and one.file == __file__]
            outcome["others"] = [f"{one.file}:{one.line}" for one in leaks if one not in right]
            if right:
                outcome |= {"seconds": now, "confidence": right[0].confidence}
                break
        time.sleep(max(0.0, started + tick / TICKS - time.monotonic()))
    outcome["lost"] = int(lost)
    klg.stop()
    print(json.dumps(outcome))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rates", default=",".join(map(str, RATES)), help="bytes a second")
    parser.add_argument("--limit", type=float, default=180.0, help="seconds to give up after")
    parser.add_argument("--sample-bytes", type=int, default=4096)
    parser.add_argument("--watched", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.watched is not None:
        watched(options.watched, options.limit, options.sample_bytes)
        return 0
    print(f"one sample every {options.sample_bytes} bytes; {'':>8}leak   seconds   lost")
    rates = [int(rate) for rate in options.rates.split(",")]
    command = [sys.executable, __file__, "--limit", str(options.limit)]
    command += ["--sample-bytes", str(options.sample_bytes)]
    failed = False
    for rate in rates:
        ran = subprocess.run(
            [*command, "--watched", str(rate)], capture_output=True, text=True, check=True
        )
        seen = json.loads(ran.stdout)
        took = "none in time" if seen["seconds"] is None else f"{seen['seconds']:9.1f}"
        failed = failed or seen["seconds"] is None
        print(
            f"{rate / 1000:10.0f} kB/s {took:>12} {seen['lost'] / 1e6:9.2f} MB"
            f"  confidence {seen['confidence']}  other lines {seen['others']}",
            flush=True,
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
